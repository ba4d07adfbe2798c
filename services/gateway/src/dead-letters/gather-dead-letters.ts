import { list } from '@holdfast/shared/contracts/common';
import {
  deadLetter,
  deadLetterGroup,
  deadLetterInFull,
  type DeadLetterGroupListJson,
  type DeadLetterInFullJson,
  type DeadLetterListJson,
  type DeadLetterQuery,
} from '@holdfast/shared/contracts/dead-letters';
import { decodeCursor } from '@holdfast/shared/http/pagination';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { Pool } from 'undici';
import { z } from 'zod';
import { askEach, askService } from '../proxy/ask-service.ts';
import { askToAct } from '../proxy/ask-to-act.ts';
import { mergePages } from '../proxy/merge-pages.ts';

/** The whole answer comes within 3 s, whichever service is away. */
export const LIMIT_MS = 2_000;

/** The services to ask, and in whose name. */
export interface Asking {
  readonly upstreams: Readonly<Record<string, Pool>>;
  readonly assertion: string;
}

/**
 * A page of the dead letters of all services, newest first: ids are in the order of time, so each service is asked for what is before the
 * cursor, and the newest of all answers are the page. A service that does not answer is named in `unreachable`; a page must not look
 * complete without it. @throws Problem `validation_failed` for a bad cursor.
 */
export async function gatherDeadLetters(asking: Asking, query: DeadLetterQuery): Promise<DeadLetterListJson> {
  const { service, limit, ...rest } = query;
  decodeCursor(query.cursor, 1);
  const search = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) search.set(name, value);
  const { answers, unreachable } = await askAll(
    asking,
    service,
    `/internal/dead-letters?${search.toString()}`,
    list(deadLetter),
  );
  return { ...mergePages(answers, limit), unreachable };
}

/** The groups of all services, the largest first. */
export async function gatherDeadLetterGroups(
  asking: Asking,
  service: string | undefined,
): Promise<DeadLetterGroupListJson> {
  const schema = z.object({ groups: z.array(deadLetterGroup) });
  const { answers, unreachable } = await askAll(asking, service, '/internal/dead-letters/groups', schema);
  const data = answers.flatMap(({ groups }) => groups).sort((a, b) => b.count - a.count);
  return { object: 'list', data, has_more: false, next_cursor: null, unreachable };
}

/**
 * The dead letter of this id, whichever service has it. @throws Problem `not_found`; `dependency_unavailable` when no service has it and
 * one that might did not answer.
 */
export async function findDeadLetter(asking: Asking, id: string): Promise<DeadLetterInFullJson> {
  if (!isId('dlq', id)) throw new Problem('not_found');
  const { answers, unreachable } = await askAll(asking, undefined, `/internal/dead-letters/${id}`, deadLetterInFull);
  const found = answers[0];
  if (found) return found;
  throw new Problem(unreachable.length > 0 ? 'dependency_unavailable' : 'not_found');
}

/**
 * Has the service that owns a letter decide about it, and gives the letter after it. @throws Problem as `findDeadLetter` does, or the
 * service's own refusal.
 */
export async function decideDeadLetter(
  asking: Asking,
  id: string,
  act: 'replay' | 'discard' | 'restore',
  body: object,
): Promise<DeadLetterInFullJson> {
  const { service } = await findDeadLetter(asking, id);
  const json = await askToAct(asking.upstreams[service]!, service, {
    ...{ path: `/internal/dead-letters/${id}/${act}`, body, assertion: asking.assertion, limitMs: LIMIT_MS },
  });
  return deadLetterInFull.parse(json);
}

/** The answers of those services that have something there, and who did not answer. */
export async function askAll<S extends z.ZodType>(
  { upstreams, assertion }: Asking,
  service: string | undefined,
  path: string,
  schema: S,
): Promise<{ answers: z.output<S>[]; unreachable: string[] }> {
  const wanted = Object.entries(upstreams).filter(([name]) => service === undefined || name === service);
  const { answers, unreachable } = await askEach(Object.fromEntries(wanted), async (pool) => {
    const { status, text } = await askService(pool, { path, assertion, limitMs: LIMIT_MS });
    if (status === 404) return [];
    if (status !== 200) throw new Error(`it answered ${status}`);
    return [schema.parse(JSON.parse(text))];
  });
  return { answers: answers.flat(), unreachable: unreachable.sort() };
}
