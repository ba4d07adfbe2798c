import { signAssertion, type Caller } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import { aCaller } from './api-client.ts';
import type { Stack } from './stack.ts';

/** One call of POST /v1/bookings as the gateway hands it to booking. */
export interface DirectHold {
  readonly body: object;
  /** A new customer unless given. */
  readonly caller?: Caller;
  /** A new key unless given. */
  readonly key?: string;
  /** By turns unless given. */
  readonly at?: 'booking' | 'booking2';
}

export interface DirectAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As it came, to compare to the letter. */
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/**
 * Sends all these holds at once, each in a call of its own, by turns to one booking process and the other: whoever wins, wins in
 * the database. Everything is signed and written out before the first call leaves.
 */
export async function holdAtOnce(stack: Stack, holds: readonly DirectHold[]): Promise<DirectAnswer[]> {
  const calls = holds.map((hold, index) => ({
    url: `${stack.url(hold.at ?? (index % 2 === 0 ? 'booking' : 'booking2'))}/internal/holds`,
    body: JSON.stringify({
      commands: [
        {
          assertion: signAssertion(stack.internalSecret, hold.caller ?? aCaller()),
          key: hold.key ?? newId('req'),
          deadline_ms: 10_000,
          body: hold.body,
        },
      ],
    }),
  }));
  return Promise.all(calls.map(({ url, body }) => send(url, body)));
}

interface BatchedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function send(url: string, body: string): Promise<DirectAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) throw new Error(`/internal/holds answered ${response.status}: ${await response.text()}`);
  const { answers } = (await response.json()) as { answers: BatchedAnswer[] };
  const [answer] = answers;
  if (!answer) throw new Error('/internal/holds answered nothing');
  return {
    status: answer.status,
    headers: answer.headers,
    text: answer.body,
    body: JSON.parse(answer.body) as Record<string, unknown>,
  };
}

/** How many answers there are of each status, e.g. `{201: 1, 409: 99}`. */
export function statuses(answers: readonly { readonly status: number }[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
