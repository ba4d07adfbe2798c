import {
  serviceIntegrity,
  type IntegrityJson,
  type InvariantResultJson,
  type ServiceIntegrity,
} from '@holdfast/shared/contracts/integrity';
import { ASSERTION_HEADER } from '@holdfast/shared/http/internal-assertion';
import type { Pool } from 'undici';

/** The whole answer comes within 3 s. */
const LIMIT_MS = 2_000;

export type IntegrityCall = { readonly method: 'GET' | 'POST'; readonly path: string; readonly assertion: string };

/**
 * Asks every service side by side for its invariants and puts the answers together; `own` is the gateway's part. A service that does
 * not answer is named, and the whole is `incomplete` then: what is not known is not fine.
 */
export async function gatherIntegrity(
  upstreams: Readonly<Record<string, Pool>>,
  call: IntegrityCall,
  own: () => Promise<ServiceIntegrity>,
): Promise<IntegrityJson> {
  const asked = [
    ...Object.entries(upstreams).map(([service, pool]) => ({ service, answer: ask(pool, call) })),
    { service: 'gateway', answer: own() },
  ];
  const settled = await Promise.allSettled(asked.map(({ answer }) => answer));
  const answers = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const unreachable = asked.filter((_, index) => settled[index]!.status === 'rejected').map(({ service }) => service);
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

async function ask(pool: Pool, { method, path, assertion }: IntegrityCall): Promise<ServiceIntegrity> {
  const { body, statusCode } = await pool.request({
    ...{ method, path },
    headers: { [ASSERTION_HEADER]: assertion, accept: 'application/json' },
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
  return serviceIntegrity.parse(JSON.parse(text));
}
