import { randomUUID } from 'node:crypto';
import { ApiDriver, SeenWorld, type Actor } from './api-driver.ts';
import { createApiClient } from './api-client.ts';
import { Contract } from './contract.ts';
import { PASSWORD } from './customers.ts';
import type { Stack } from './stack.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const atHour = (day: number, hour: number) =>
  new Date((Math.floor(Date.now() / DAY_MS) + day) * DAY_MS + hour * HOUR_MS).toISOString();

/** Values under which the operations make sense together. */
const HINTS: Readonly<Record<string, readonly unknown[]>> = {
  seats: [['A-1'], ['A-2', 'A-3'], ['A-4'], ['B-1'], ['B-2'], ['B-3', 'B-4']],
  quantity: [1, 2],
  min_quantity: [1],
  category: ['standard'],
  capacity: [5, 50],
  max_per_booking: [4],
  prices: [[{ category: 'standard', amount: 1500 }], [{ category: 'standard', amount: 0 }]],
  rows: [
    [
      { row: 'A', seats: 8 },
      { row: 'B', seats: 6 },
    ],
  ],
  starts_at: [10, 11, 12, 13].map((hour) => atHour(3, hour)),
  ends_at: [11, 12, 13, 14].map((hour) => atHour(3, hour)),
  opening_hours: [
    ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map((day) => ({ day, opens: '08:00', closes: '22:00' })),
  ],
  slot_minutes: [30, 60],
  price_per_slot: [{ amount: 1200, currency: 'EUR' }],
  time_zone: ['UTC', 'Europe/Paris'],
  currency: ['EUR'],
  amount: [100, 1500],
  payment_method: ['pm_card_visa', 'pm_card_visa', 'pm_card_chargeDeclined', 'pm_card_authenticationRequired'],
  reason: ['it rains, and nobody comes'],
  name: ['Something to book'],
  email: ['somebody@holdfast.test'],
  rrule: ['FREQ=DAILY;COUNT=3', 'FREQ=WEEKLY;COUNT=2'],
  duration: ['PT1H'],
  occurrence: [atHour(9, 10).slice(0, 16)],
  date: [atHour(3, 0).slice(0, 10)],
  days: [1, 2],
  limit: [1, 20, 100],
  cursor: [],
  provider: ['stripe'],
  verbose: ['1'],
  'text/csv': ['row,seats\nA,3\nB,2\n'],
};

export interface DrivenStack {
  readonly contract: Contract;
  readonly world: SeenWorld;
  readonly driver: ApiDriver;
  readonly admin: Actor;
  readonly operator: Actor;
  readonly ann: Actor;
  readonly bob: Actor;
  readonly anybody: Actor;
  /** Signs somebody in again whose sessions were ended. */
  renew(actor: Actor): Promise<void>;
}

/** A driver for a whole stack, with an administrator, an operator, and two customers who must not see each other. */
export async function driveStack(stack: Stack): Promise<DrivenStack> {
  const url = stack.url('gateway');
  const client = createApiClient(url);
  const contract = await Contract.read(url);
  const world = new SeenWorld({ ...HINTS, reference: ['BK20270104-7K3Q9D'] });
  const driver = new ApiDriver({ contract, url, world, webhookSecret: stack.secrets.at(-1)! });
  const credentials = new Map<Actor, { email: string; password: string }>();
  const enter = async (actor: Actor, path: string, body: object) => {
    const answer = await client.post<{ access_token: string; user: { id: string } }>(path, body, { key: null });
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    actor.token = answer.body.access_token;
    return answer.body.user.id;
  };
  const actor = (name: string, role: Actor['role']): Actor => ({ name, role, token: null });
  const [admin, operator, ann, bob] = [
    actor('admin', 'admin'),
    actor('operator', 'operator'),
    actor('ann', 'customer'),
    actor('bob', 'customer'),
  ];
  credentials.set(admin, stack.admin);
  world.isStaff(await enter(admin, '/v1/auth/login', stack.admin));
  const ids = new Map<Actor, string>();
  for (const somebody of [operator, ann, bob]) {
    const login = { email: `${somebody.name}-${randomUUID().slice(0, 8)}@holdfast.test`, password: PASSWORD };
    credentials.set(somebody, login);
    ids.set(somebody, await enter(somebody, '/v1/auth/register', { ...login, name: somebody.name }));
  }
  const made = await driver.send(
    driver.compose('changeRole', admin, { at: { id: ids.get(operator)! }, body: { role: 'operator' } }),
  );
  world.isStaff(ids.get(operator)!);
  if (made.status !== 200) throw new Error(`the operator was not made: ${made.text}`);
  return {
    contract,
    world,
    driver,
    admin,
    operator,
    ann,
    bob,
    anybody: actor('anybody', 'anybody'),
    renew: async (somebody) => {
      await enter(somebody, '/v1/auth/login', credentials.get(somebody)!);
    },
  };
}
