import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';
import type { Logger } from 'pino';
import { postFees } from '../ledger/post-entries.ts';
import { readCapturedMoney, readMoneyOf, type PaymentMoney } from '../payments/read-money.ts';
import { settleOutcome } from '../payments/settle-outcome.ts';
import type { ListedIntent, Provider } from '../provider/provider.ts';
import { differenceOf, type Difference } from './difference-rules.ts';
import { closeFindings, saveFinding } from './finding-store.ts';

export interface ReconcileDeps {
  readonly pool: Pool;
  readonly provider: Provider;
  readonly logger: Logger;
  /** Call after a commit that wrote events. */
  readonly onSettled: () => void;
}

export interface Reconciled {
  /** Intents and payments that were compared. */
  readonly compared: number;
  readonly found: number;
  /** How many of those the payment service put right by itself. */
  readonly repaired: number;
  /** False when the provider stopped answering; what was compared until then stands. */
  readonly complete: boolean;
}

const PAGE = 100;

/**
 * Compares the provider's books with ours, both ways, for what was made from `from` on and before `to`. What the saga can put right
 * (money taken that we did not hear of) is told to it; the rest is written down for a person. A payment that is moving at this
 * moment is left to the next sweep. Running it twice finds the same.
 */
export async function reconcileProvider(deps: ReconcileDeps, window: { from: Date; to: Date }): Promise<Reconciled> {
  const { pool, provider } = deps;
  const total = { compared: 0, found: 0, repaired: 0 };
  const seen = new Set<string>();

  const compare = async (here: PaymentMoney | null, there: ListedIntent): Promise<void> => {
    total.compared += 1;
    if (here?.moving) return;
    const difference = differenceOf(here, { ...there, captured: there.amountCaptured, refunded: there.amountRefunded });
    if (difference === null) return closeFindings(pool, provider.name, [there.reference], null);
    total.found += 1;
    if (await record(deps, here, there, difference)) total.repaired += 1;
  };

  let after: string | null = null;
  do {
    const page = await provider.listIntents({ ...window, after });
    if (page.kind !== 'ok') return { ...total, complete: false };
    const { intents, next } = page.value;
    const ours = await readMoneyOf(pool, provider.name, {
      references: intents.map((intent) => intent.reference),
      paymentIds: intents.flatMap((intent) => intent.paymentId ?? []),
    });
    for (const intent of intents) {
      seen.add(intent.reference);
      const here =
        ours.find((payment) => payment.reference === intent.reference) ??
        ours.find((payment) => payment.id === intent.paymentId);
      await compare(here ?? null, intent);
    }
    // Stripe books a fee after the capture was answered, and no callback that we take tells of it.
    await postFees(
      pool,
      intents.flatMap((intent) => {
        const here = ours.find((payment) => payment.reference === intent.reference);
        return here && here.captured > 0n && intent.fee ? [{ paymentId: here.id, fee: intent.fee }] : [];
      }),
    );
    after = next;
  } while (after !== null);

  // The other way: what we count as paid and did not meet in the list.
  let last: PaymentId | null = null;
  for (;;) {
    const payments: PaymentMoney[] = await readCapturedMoney(pool, provider.name, {
      ...window,
      after: last,
      limit: PAGE,
    });
    for (const payment of payments) {
      if (payment.reference === null || payment.moving || seen.has(payment.reference)) continue;
      const answer = await provider.retrieveIntent(payment.reference);
      if (answer.kind === 'later' || answer.kind === 'unknown') return { ...total, complete: false };
      // Known there after all, in another window: its refunds are compared when that window is.
      const nothing = { currency: payment.currency, amountCaptured: 0n };
      const { currency, amountCaptured } = answer.kind === 'ok' ? answer.value : nothing;
      await compare(payment, {
        ...emptyIntent(payment),
        currency,
        amountCaptured,
        amountRefunded: payment.refunded,
      });
    }
    last = payments.at(-1)?.id ?? null;
    if (payments.length < PAGE) return { ...total, complete: true };
  }
}

/** Puts one difference right, or writes it down; true when it is put right. */
async function record(
  deps: ReconcileDeps,
  here: PaymentMoney | null,
  there: ListedIntent,
  difference: Difference,
): Promise<boolean> {
  const { pool, provider, logger, onSettled } = deps;
  const ofThisIntent = here !== null && (here.reference === null || here.reference === there.reference);
  const repairable = difference.kind === 'paid_there_not_here' && ofThisIntent;
  const repaired = await withTransaction(pool, async (tx) => {
    const settled = repairable
      ? await settleOutcome(tx, {
          paymentId: here.id,
          attempt: null,
          fact: { kind: 'captured', amount: there.amountCaptured, currency: there.currency },
          cause: 'reconciliation',
        })
      : null;
    const kind = settled === 'mismatch' ? 'amount_differs' : difference.kind;
    await closeFindings(tx, provider.name, [there.reference], kind);
    await saveFinding(tx, {
      ...difference,
      kind,
      provider: provider.name,
      reference: there.reference,
      paymentId: here?.id ?? there.paymentId,
      bookingId: here?.bookingId ?? there.bookingId,
      currency: there.currency,
      state: settled === 'changed' ? 'REPAIRED' : 'OPEN',
    });
    return settled === 'changed';
  });
  if (repaired) onSettled();
  const subject = { kind: difference.kind, payment_id: here?.id, provider_reference: there.reference, repaired };
  logger[repaired ? 'warn' : 'error'](subject, "the provider's books differ from ours");
  return repaired;
}

/** The provider's side of a payment that its list did not have. */
function emptyIntent(payment: PaymentMoney): ListedIntent {
  return {
    reference: payment.reference ?? '',
    status: 'open',
    currency: payment.currency,
    amount: 0n,
    amountCapturable: 0n,
    amountCaptured: 0n,
    amountRefunded: 0n,
    redirectUrl: null,
    failure: null,
    fee: null,
    paymentId: payment.id,
    bookingId: payment.bookingId,
  };
}
