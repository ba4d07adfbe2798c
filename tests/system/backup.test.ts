import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { restoreAndExamine } from '@holdfast/launcher/src/cli/backups.ts';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { IntegrityJson } from '@holdfast/shared/contracts/integrity';
import type { FindingJson, SweepJson } from '@holdfast/shared/contracts/reconciliation';
import { SERVICE_SCHEMAS } from '@holdfast/shared/db/bootstrap';
import { testEnvironment } from '@holdfast/shared/testing/test-environment';
import { until } from '@holdfast/shared/testing/until';
import pg from 'pg';
import { backUpDatabase } from '../../infra/database/src/backup/back-up-database.ts';
import { restoreDeployment } from '../../infra/database/src/backup/restore-deployment.ts';
import { loadConfig, type Config } from '../../infra/database/src/config.ts';
import { bookPatiently, postUntilAnswered } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { mailsTo, untilMail } from '../support/mailbox.ts';
import { startStack, WHOLE_PATH, type Part, type Stack } from '../support/stack.ts';

/** Where the tables of each service are. */
const SCHEMA_OF = {
  gateway: 'identity',
  booking: 'booking',
  payment: 'payment',
  notification: 'notification',
} as const;
const SERVICES = Object.keys(SCHEMA_OF) as (keyof typeof SCHEMA_OF & Part)[];

const quiet = () => undefined;

let stack: Stack;
let after: Stack;
let config: Config;
let folder: string;
let ada: Customer;
let bea: Customer;
let kept: BookingJson;
let untold: BookingJson;
let held: BookingJson;
let lost: BookingJson;

const onServer = async (sql: string) => {
  const client = new pg.Client({ connectionString: testEnvironment().HOLDFAST_TEST_POSTGRES_URL });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
};

/** The same stack, with its data in another database of the server. */
function withDatabase(name: string): Stack {
  const moved = (url: string) => {
    const result = new URL(url);
    result.pathname = `/${name}`;
    return result.href;
  };
  const { database } = stack;
  return {
    ...stack,
    database: { ...database, name, adminUrl: moved(database.adminUrl), url: (role) => moved(database.url(role)) },
  };
}

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  after = withDatabase(`${stack.database.name}_restored`);
  folder = mkdtempSync(join(testEnvironment().HOLDFAST_TEST_DIR, 'backup-'));
  config = loadConfig({
    HOLDFAST_POSTGRES_ADMIN_URL: testEnvironment().HOLDFAST_TEST_POSTGRES_URL,
    ...Object.fromEntries(
      SERVICE_SCHEMAS.map((schema) => [`HOLDFAST_${schema.toUpperCase()}_DATABASE_URL`, after.database.url(schema)]),
    ),
    NATS_URL: stack.nats.url,
  });
  const admin = (await signInAdmin(stack)).api;
  [ada, bea] = await Promise.all([signUp(stack), signUp(stack, 'Beatrice')]);
  const event = await makePoolEvent(admin, { capacity: 20 });
  kept = await bookPatiently(ada.api, { event_id: event, quantity: 2 });
  await untilQuiet(stack);
  // What is published and not taken in yet, and what is held and not paid yet, is in the backup as it is.
  await stack.process('notification').kill();
  untold = await bookPatiently(bea.api, { event_id: event, quantity: 1 });
  held = (await postUntilAnswered<BookingJson>(bea.api, '/v1/bookings', { event_id: event, quantity: 3 })).body;
  await backUpDatabase({ databaseUrl: stack.database.adminUrl, folder: join(folder, 'b'), log: quiet });
  // And this happens after it.
  await postUntilAnswered(bea.api, `/v1/bookings/${held.id}/pay`, { payment_method: 'pm_card_visa' });
  lost = await bookPatiently(ada.api, { event_id: event, quantity: 4 });
  for (const service of SERVICES) await stack.process(service).kill();
}, 180_000);
afterAll(async () => {
  await stack?.stop();
  await onServer(`drop database if exists ${after.database.name} with (force)`);
  await onServer('drop database if exists holdfast_drill with (force)');
  rmSync(folder, { recursive: true, force: true });
});

test('a drill restores the backup elsewhere and finds every invariant kept', async () => {
  const { json, exitCode } = await restoreAndExamine(
    testEnvironment().HOLDFAST_TEST_POSTGRES_URL,
    join(folder, 'b'),
    quiet,
  );
  expect(json).toMatchObject({ ok: true, findings: [] });
  expect(exitCode).toBe(0);
}, 90_000);

test('streams that know more than the backup are refused, unless they are to be forgotten', async () => {
  await expect(restoreDeployment(config, join(folder, 'b'), false, quiet)).rejects.toThrow(/--forget-streams/);
});

describe('after the database was lost and the backup restored', () => {
  beforeAll(async () => {
    await restoreDeployment(config, join(folder, 'b'), true, quiet);
    for (const service of SERVICES) {
      await stack.restart(service, { DATABASE_URL: after.database.url(SCHEMA_OF[service]) });
    }
  }, 180_000);

  test('everything of that moment is there, and nothing of later; sessions go on', async () => {
    const status = async (customer: Customer, { id }: BookingJson) => {
      const answer = await customer.api.get<BookingJson>(`/v1/bookings/${id}`);
      return [answer.status, answer.body.status];
    };
    expect(await status(ada, kept)).toEqual([200, 'CONFIRMED']);
    expect(await status(bea, untold)).toEqual([200, 'CONFIRMED']);
    expect(await status(bea, held)).toEqual([200, 'HELD']);
    expect((await status(ada, lost))[0]).toBe(404);
  });

  test('what was on its way then arrives over the new streams; what had arrived does not come again', async () => {
    await untilMail(stack.url('mail'), bea.email, untold.reference, 60_000);
    await untilQuiet(after, 60_000);
    expect(
      (await mailsTo(stack.url('mail'), ada.email)).filter(({ subject }) => subject.includes(kept.reference)),
    ).toHaveLength(1);
  }, 120_000);

  test('the sweep finds the money that was taken later, and it goes back', async () => {
    const admin = (await signInAdmin(stack)).api;
    const asked = await admin.post<SweepJson>('/v1/ops/reconciliation/sweeps', {});
    await until(
      'the sweep to end',
      async () => {
        const sweep = await admin.get<SweepJson>(`/v1/ops/reconciliation/sweeps/${asked.body.id}`);
        return sweep.body.state === 'COMPLETE';
      },
      30_000,
    );
    const open = async () =>
      (await admin.get<{ data: FindingJson[] }>('/v1/ops/reconciliation/findings?state=OPEN')).body.data;
    const found = await open();
    expect(new Set(found.map(({ kind, amount_there }) => `${kind} ${amount_there}`))).toEqual(
      new Set([lost, held].map(({ price }) => `paid_there_not_here ${price.amount}`)),
    );
    for (const { id } of found) {
      const path = `/v1/ops/reconciliation/findings/${id}/refund`;
      expect((await admin.post(path, { reason: 'paid after the backup that was restored' })).status).toBe(202);
    }
    await until('the money to be back', async () => (await open()).length === 0, 40_000);
  }, 90_000);

  test('every invariant is kept', async () => {
    // What the provider tells of money that went back waits in vain for its payment, up to half a minute.
    await untilQuiet(after, 60_000);
    expect(await brokenInvariants(after)).toEqual([]);
    const admin = (await signInAdmin(stack)).api;
    const status = await until(
      'every invariant to have a result',
      async () => {
        const { body } = await admin.post<IntegrityJson>('/v1/ops/integrity/run', {});
        return body.running || body.status === 'incomplete' ? null : body;
      },
      40_000,
    );
    expect(status.data.filter((each) => each.status !== 'ok')).toEqual([]);
  }, 120_000);
});
