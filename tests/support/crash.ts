import { redeliverSoon, untilDelivered } from './broker.ts';
import { untilQuiet } from './invariants.ts';
import type { Part, Stack } from './stack.ts';

/** Longer than every lease and every pause before asking again, shorter than a hold. */
const PAST_ALL_LEASES_MS = 100_000;

export interface Cut {
  readonly victim: Part;
  /** A name of packages/shared/src/failpoints.ts, with `:n` for its nth passing. */
  readonly point: string;
}

/**
 * Lets the victim kill itself at a cut point while `drive` does what a client does, brings it back as it always was, and resolves
 * with what `drive` came to once everything under way has ended.
 * @throws Error when the process never came to the point: a cut that is not hit proves nothing.
 */
export async function crashAt<T>(stack: Stack, cut: Cut, drive: () => Promise<T>): Promise<T> {
  await untilDelivered(stack.nats.url);
  const victim = await restart(stack, cut.victim, { FAILPOINT: cut.point });
  let ended: { signal: string | null } | null = null;
  const died = victim.exited.then((exit) => (ended = exit));
  const driven = drive();
  await Promise.race([died, driven.then(() => untilQuiet(stack)).catch(() => died)]);
  if (ended === null) throw new Error(`${cut.victim} was never at ${cut.point}`);
  if ((ended as { signal: string | null }).signal !== 'SIGKILL') {
    throw new Error(`${cut.victim} ended by itself:\n${victim.lines.slice(-20).join('\n')}`);
  }
  await restart(stack, cut.victim);
  const result = await driven;
  await untilQuiet(stack);
  return result;
}

/** Leases of a killed process run out while its successor starts. */
async function restart(stack: Stack, part: Part, env?: Readonly<Record<string, string>>) {
  const successor = await stack.restart(part, env);
  await Promise.all([stack.database.advanceClock(PAST_ALL_LEASES_MS), redeliverSoon(stack.nats.url)]);
  return successor;
}
