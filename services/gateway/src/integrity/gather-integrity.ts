import {
  serviceIntegrity,
  type IntegrityJson,
  type InvariantResultJson,
  type ServiceIntegrity,
} from '@holdfast/shared/contracts/integrity';
import type { Pool } from 'undici';
import { answerOf, askEach, type Question } from '../proxy/ask-service.ts';

/** The whole answer comes within 3 s. */
const LIMIT_MS = 2_000;

/**
 * Asks every service side by side for its invariants and puts the answers together; `own` is the gateway's part. A service that does
 * not answer is named, and the whole is `incomplete` then: what is not known is not fine.
 */
export async function gatherIntegrity(
  upstreams: Readonly<Record<string, Pool>>,
  call: Omit<Question, 'limitMs'>,
  own: () => Promise<ServiceIntegrity>,
): Promise<IntegrityJson> {
  const question = { ...call, limitMs: LIMIT_MS };
  const { answers, unreachable } = await askEach<Pool | null, ServiceIntegrity>(
    { ...upstreams, gateway: null },
    (pool) => (pool === null ? own() : answerOf(pool, question, serviceIntegrity)),
  );
  const data = answers.flatMap(({ invariants }) => invariants);
  return {
    object: 'list',
    data,
    has_more: false,
    next_cursor: null,
    status: overall(data, unreachable),
    running: answers.some(({ running }) => running),
    unreachable,
    as_of: new Date().toISOString(),
  };
}

function overall(data: readonly InvariantResultJson[], unreachable: readonly string[]): IntegrityJson['status'] {
  if (data.some(({ status }) => status === 'violated')) return 'violated';
  return unreachable.length > 0 || data.some(({ status }) => status !== 'ok') ? 'incomplete' : 'ok';
}
