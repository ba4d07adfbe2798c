import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type BookingId, type PaymentId } from '@holdfast/shared/ids';
import { createLogger, type Logger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { OperationDriver } from '../operations/operation-driver.ts';
import { beginAuthorisation } from '../payments/begin-authorisation.ts';
import { beginCapture } from '../payments/begin-capture.ts';
import { beginRefund } from '../payments/begin-refund.ts';
import { beginVoid } from '../payments/begin-void.ts';
import type { Provider } from '../provider/provider.ts';

const logger = createLogger({ service: 'payment-test', level: 'silent' });

/** Use cases and driver over a real database, with a provider that the test plays; nothing runs by itself. */
export interface OperationsBench {
  readonly database: TestDatabase;
  readonly pool: Pool;
  readonly logger: Logger;
  /** Refunds are sent as fast as they come unless told. */
  driver(provider: Provider, refundsPerSecond?: number): OperationDriver;
  payment(): BenchPayment;
  close(): Promise<void>;
}

export interface BenchPayment {
  readonly bookingId: BookingId;
  readonly paymentId: PaymentId;
  readonly authorise: (attempt?: number) => Promise<void>;
  readonly capture: () => Promise<void>;
  readonly giveUp: (unlessPaid?: 'unless paid') => Promise<void>;
  readonly refund: (amount: number) => Promise<void>;
  /** Names of what was announced, in order. */
  readonly announced: () => Promise<string[]>;
  readonly status: () => Promise<string>;
}

export async function openOperationsBench(): Promise<OperationsBench> {
  const database = await createTestDatabase();
  const pool = createPool({
    connectionString: database.url('payment'),
    schema: 'payment',
    logger,
    applicationName: 'payment-test',
  });
  return {
    database,
    pool,
    logger,
    driver: (provider, refundsPerSecond = 1_000) =>
      new OperationDriver({
        pool,
        provider,
        logger,
        firstLookMs: 5_000,
        refundsPerSecond,
        // The longest pause that chance may give: a test that waits for it never waits too short.
        random: () => 1,
        onSettled: () => undefined,
        onCall: () => undefined,
        onSaturated: () => undefined,
      }),
    payment: () => benchPayment(pool),
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

/** Makes every call that is due now, and what follows from them, and waits for them. */
export async function drive(driver: OperationDriver): Promise<void> {
  while ((await driver.runOnce()) > 0) await driver.idle();
}

function benchPayment(pool: Pool): BenchPayment {
  const bookingId = newId('bkg');
  const paymentId = newId('pay');
  const ref = { booking_id: bookingId, payment_id: paymentId };
  const money = { amount: 4_500, currency: 'EUR' };
  return {
    bookingId,
    paymentId,
    authorise: (attempt = 1) =>
      withTransaction(pool, (tx) =>
        beginAuthorisation(tx, {
          data: {
            ...ref,
            ...money,
            attempt,
            user_id: newId('usr'),
            reference: 'BK20270104-7K3Q9D',
            payment_method: 'pm_card_visa',
          },
          provider: 'stripe',
          cause: newId('msg'),
          traceparent: null,
        }),
      ),
    capture: () => withTransaction(pool, (tx) => beginCapture(tx, { ...ref, ...money, attempt: 1 }, newId('msg'))),
    giveUp: (unlessPaid) =>
      withTransaction(pool, (tx) =>
        beginVoid(
          tx,
          { ...ref, attempt: 1, reason: 'hold_expired', ...(unlessPaid ? { unless_paid: true } : {}) },
          newId('msg'),
        ),
      ),
    refund: (amount) =>
      withTransaction(pool, (tx) =>
        beginRefund(tx, { ...ref, ...money, amount, refund_id: newId('rfd'), reason: 'cancelled' }, newId('msg')),
      ),
    announced: async () => {
      const { rows } = await pool.query<{ name: string }>(
        `select split_part(subject, '.', 4) as name from outbox where ordering_key = $1 order by seq`,
        [bookingId],
      );
      return rows.map((row) => row.name);
    },
    status: async () => {
      const { rows } = await pool.query<{ status: string }>('select status from payments where id = $1', [paymentId]);
      return rows[0]!.status;
    },
  };
}
