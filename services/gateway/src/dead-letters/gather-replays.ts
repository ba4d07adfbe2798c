import {
  servicePlan,
  serviceReplay,
  type DeadLetterReplayJson,
  type DeadLetterReplayPlanJson,
  type ReplayDeadLettersBody,
  type ServiceReplayJson,
} from '@holdfast/shared/contracts/dead-letter-replays';
import { isId, newId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';
import { askToAct } from '../proxy/ask-to-act.ts';
import { askAll, LIMIT_MS, type Asking } from './gather-dead-letters.ts';

/**
 * Has each service replay its letters that the filter finds, or count them. A service that does not answer has no part in the job and is
 * named; the call can be made again for it. @throws Problem `dependency_unavailable` when none answers.
 */
export async function startReplays(
  asking: Asking,
  { filter: { service, ...filter }, dry_run: dryRun, rate_per_second: rate }: ReplayDeadLettersBody,
): Promise<DeadLetterReplayJson | DeadLetterReplayPlanJson> {
  const body = { id: newId('rpl'), filter, rate_per_second: rate, dry_run: dryRun };
  const names = service === undefined ? Object.keys(asking.upstreams) : [service];
  if (dryRun) return planOf(await actEach(asking, names, '/internal/dead-letters/replays', body, servicePlan));
  return joined(await actEach(asking, names, '/internal/dead-letters/replays', body, serviceReplay));
}

/** How far a job is, in all services that have a part in it. @throws Problem `not_found`, `dependency_unavailable`. */
export async function findReplay(asking: Asking, id: string): Promise<DeadLetterReplayJson> {
  if (!isId('rpl', id)) throw new Problem('not_found');
  const found = await askAll(asking, undefined, `/internal/dead-letters/replays/${id}`, serviceReplay);
  if (found.answers.length > 0) return joined(found);
  throw new Problem(found.unreachable.length > 0 ? 'dependency_unavailable' : 'not_found');
}

/** Stops a job wherever it runs. @throws Problem as `findReplay` does, and `dead_letter_replay_over` when it runs nowhere. */
export async function stopReplays(asking: Asking, id: string): Promise<DeadLetterReplayJson> {
  const { services } = await findReplay(asking, id);
  const running = services.filter(({ state }) => state === 'RUNNING').map(({ service }) => service);
  if (running.length === 0) throw new Problem('dead_letter_replay_over');
  await actEach(asking, running, `/internal/dead-letters/replays/${id}/stop`, {}, serviceReplay);
  return findReplay(asking, id);
}

interface Answers<T> {
  readonly answers: T[];
  readonly unreachable: string[];
}

/** Asks several to act, side by side. A refusal counts as no answer: the others have acted. @throws when none did: what the first said. */
async function actEach<S extends z.ZodType>(
  { upstreams, assertion }: Asking,
  names: readonly string[],
  path: string,
  body: object,
  schema: S,
): Promise<Answers<z.output<S>>> {
  const settled = await Promise.allSettled(
    names.map(async (name) =>
      schema.parse(await askToAct(upstreams[name]!, name, { path, body, assertion, limitMs: LIMIT_MS })),
    ),
  );
  const answers = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = settled.find((result) => result.status === 'rejected');
  if (answers.length === 0 && failed) throw failed.reason;
  return { answers, unreachable: names.filter((_, index) => settled[index]!.status === 'rejected').sort() };
}

function planOf({ answers, unreachable }: Answers<z.output<typeof servicePlan>>): DeadLetterReplayPlanJson {
  const sum = (of: 'replayable' | 'unreadable') => answers.reduce((total, answer) => total + answer[of], 0);
  return {
    ...{ object: 'dead_letter_replay', dry_run: true, total: sum('replayable'), unreadable: sum('unreadable') },
    ...{ services: answers, unreachable },
  };
}

function joined({ answers, unreachable }: Answers<ServiceReplayJson>): DeadLetterReplayJson {
  const { id, rate_per_second: rate, actor, created_at: createdAt } = answers[0]!;
  const states = answers.map(({ state }) => state);
  const sum = (of: 'total' | 'waiting' | 'replayed' | 'skipped' | 'took_effect' | 'failed_again') =>
    answers.reduce((total, answer) => total + answer[of], 0);
  return {
    ...{ id, object: 'dead_letter_replay', dry_run: false },
    state: states.includes('RUNNING') ? 'RUNNING' : states.includes('STOPPED') ? 'STOPPED' : 'DONE',
    ...{ rate_per_second: rate, actor, created_at: createdAt },
    total: sum('total'),
    waiting: sum('waiting'),
    replayed: sum('replayed'),
    skipped: sum('skipped'),
    took_effect: sum('took_effect'),
    failed_again: sum('failed_again'),
    services: answers,
    unreachable,
  };
}
