import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Auditor } from '@holdfast/shared/integrity/auditor';
import { messagingInvariants } from '@holdfast/shared/integrity/messaging-invariants';
import pg from 'pg';
import { openOperationsBench, type OperationsBench } from '../testing/operations-bench.ts';
import { PAYMENT_INVARIANTS } from './payment-invariants.ts';

let bench: OperationsBench;
let admin: pg.Client;
const INVARIANTS = [...PAYMENT_INVARIANTS, ...messagingInvariants('payment')];

beforeAll(async () => {
  bench = await openOperationsBench();
  admin = new pg.Client({ connectionString: bench.database.adminUrl });
  await admin.connect();
  for (const payment of [bench.payment(), bench.payment()]) await payment.authorise();
}, 60_000);
afterAll(async () => {
  await admin?.end();
  await bench?.close();
});

async function violatedBy(damage: string): Promise<string[]> {
  await admin.query('begin');
  try {
    // Triggers and foreign keys are off, as for a bug that found a way around them.
    await admin.query(`set local session_replication_role = replica; ${damage}`);
    const violated: string[] = [];
    for (const { name, sql } of INVARIANTS) if ((await admin.query(sql)).rowCount !== 0) violated.push(name);
    return violated;
  } finally {
    await admin.query('rollback');
  }
}

test('a healthy database violates nothing, for the service itself as well', async () => {
  expect(await violatedBy('select 1')).toEqual([]);
  const auditor = new Auditor({ service: 'payment', invariants: INVARIANTS, pool: bench.pool, logger: bench.logger });
  await auditor.runAll();
  const { invariants } = await auditor.results();
  expect(invariants.filter(({ status }) => status !== 'ok')).toEqual([]);
});

const PAYMENT = '(select id from payment.payments order by id limit 1)';
const refund = (id: string, amount: number) =>
  `insert into payment.refunds (id, payment_id, amount, currency, reason, status, provider_reference)
   values ('${id}', ${PAYMENT}, ${amount}, 'EUR', 'for a test', 'SUCCEEDED', 're_1')`;

test.each([
  [
    'ledger_says_payments',
    `update payment.payments set captured_amount = amount, refund_reserved = 0 where id = ${PAYMENT}`,
  ],
  [
    'captured_once',
    `drop index payment.ledger_entries_one_of_its_kind;
     insert into payment.ledger_entries
       (payment_id, kind, debit_account, credit_account, amount, currency, provider_reference, cause)
     select ${PAYMENT}, 'capture', 'provider_clearing', 'authorisations', 1, 'EUR', 'pi_' || n, 'c'
       from generate_series(1, 2) n`,
  ],
  ['refunds_within_capture', refund('rfd_1', 100)],
  [
    'refund_once_at_provider',
    `do $$ declare c record; begin
       for c in select indexrelid::regclass::text as name from pg_index
                 where indrelid = 'payment.refunds'::regclass and indisunique and not indisprimary
       loop execute 'drop index ' || c.name; end loop; end $$;
     ${refund('rfd_1', 1)}; ${refund('rfd_2', 1)}`,
  ],
  [
    'callbacks_applied',
    `insert into payment.provider_events (provider, event_id, type, body, headers, request_id, received_at)
     values ('stripe', 'evt_x', 't', '', '{}', 'req_x', clock.app_now() - interval '1 hour')`,
  ],
])('damage is seen by %s', async (name, damage) => {
  expect(await violatedBy(damage)).toContain(name);
});
