import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Sample } from '../load/sample.ts';

/** The file of pgbench; undefined where it is not installed. */
export function findPgbench(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'pgbench'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

// pgbench knows numbers only, so the texts are made in SQL; n counts the client's holds and keeps every seat and key distinct.
const VALUES = `
\\set n :n + 1
`;
const id = (prefix: string) => `'${prefix}_' || lpad(:client_id::text, 4, '0') || lpad(:n::text, 22, '0')`;
const AT = `'2026-01-01 12:00+00'::timestamptz`;
const SEAT = `'R' || (:n % 100) || '-' || (:n / 100)`;
const EVENT = `'evt_' || lpad(:client_id::text, 26, '0')`;
const USER = `'usr_' || lpad((:n % 4000)::text, 26, '0')`;
const BODY = `'{"id":"' || repeat('x', 800) || '"}'`;
const PAYLOAD = `'{"id":"' || repeat('x', 600) || '"}'`;
const LINES = `'[{"label":"Concert, standard","category":"standard","quantity":1,"unit_amount":4500,"amount":4500}]'`;
const FINGERPRINT = `repeat('f', 43)`;
const TRACE = `'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'`;
const REFERENCE = `'BK20260101-' || :client_id || '-' || :n`;

const SCRIPTS: Record<'A' | 'B', string> = {
  A: `${VALUES}
begin;
insert into bench.idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
values (${USER}, ${id('key')}, ${FINGERPRINT}, 201, '{"etag":"1"}', ${BODY}, ${AT})
on conflict (user_id, key) do nothing;
insert into bench.seat_claims (event_id, seat, booking_id, claimed_at)
values (${EVENT}, ${SEAT}, ${id('bkg')}, ${AT})
on conflict (event_id, seat) where released_at is null do nothing;
insert into bench.bookings (id, reference, user_id, status, inventory, event_id, seats, quantity, starts_at, ends_at, time_zone,
                            title, venue, refund_policy, price_amount, price_currency, price_lines, contact_email, contact_name,
                            hold_expires_at, hold_seq, created_at, updated_at)
values (${id('bkg')}, ${REFERENCE}, ${USER}, 'HELD', 'seats', ${EVENT}, array[${SEAT}], 1, ${AT}, ${AT}, 'Europe/Paris',
        'Concert', 'Arena', '{}', 4500, 'EUR', ${LINES}, 'someone@bench.example', 'Bench Customer', ${AT}, 1, ${AT}, ${AT});
insert into bench.booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
values (${id('bkg')}, 1, null, 'HELD', 'held', ${USER}, ${id('req')}, ${AT});
insert into bench.outbox (id, subject, ordering_key, family, seq, payload, traceparent, created_at, available_at)
values (${id('msg')}, 'booking.hold.00.held', ${id('bkg')}, 'hold', 1, ${PAYLOAD}, ${TRACE}, ${AT}, ${AT});
commit;
`,
  B: `${VALUES}
select bench.hold(${USER}, ${id('key')}, ${FINGERPRINT}, '{"etag":"1"}', ${BODY}, ${EVENT}, ${SEAT}, ${id('bkg')}, ${REFERENCE},
                  ${AT}, ${AT}, ${LINES}, 'someone@bench.example', ${AT}, ${AT}, ${id('req')}, ${id('msg')}, ${PAYLOAD}, ${TRACE});
`,
};

/** Runs a yardstick by pgbench, a client in C. Latencies are pgbench's mean only. @throws with its words when it fails. */
export async function runPgbench(
  program: string,
  options: {
    readonly url: string;
    readonly yardstick: 'A' | 'B';
    readonly connections: number;
    readonly seconds: number;
  },
): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const script = join(folder, `${options.yardstick}.sql`);
  writeFileSync(script, SCRIPTS[options.yardstick]);
  try {
    // The URL holds a password, and arguments can be read by anybody on the machine.
    const url = new URL(options.url);
    const output = await outputOf(
      program,
      [
        ...['--no-vacuum', '--protocol=prepared', '--client', String(options.connections), '--jobs', '2'],
        ...['--time', String(options.seconds), '--define', 'n=0', '--file', script],
      ],
      {
        ...{ PGHOST: url.hostname, PGPORT: url.port, PGUSER: url.username, PGPASSWORD: url.password },
        PGDATABASE: url.pathname.slice(1),
      },
    );
    const perSecond = Number(/tps = ([\d.]+)/.exec(output)?.[1] ?? Number.NaN);
    const meanMs = Number(/latency average = ([\d.]+)/.exec(output)?.[1] ?? Number.NaN);
    const count = Number(/actually processed: (\d+)/.exec(output)?.[1] ?? Number.NaN);
    return {
      ...{ seconds: options.seconds, count, perSecond: Math.round(perSecond * 100) / 100, p50Ms: meanMs },
      ...{ p95Ms: Number.NaN, p99Ms: Number.NaN, maxMs: Number.NaN, outcomes: { held: count } },
      ...{ cpuUs: {}, othersShare: null },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function outputOf(program: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`pgbench ended with code ${code}:\n${errors.slice(-2_000)}`)),
    );
  });
}
