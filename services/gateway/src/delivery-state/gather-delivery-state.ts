import {
  outboxState,
  serviceConsumers,
  type ConsumerListJson,
  type OutboxListJson,
  type OutboxStateJson,
} from '@holdfast/shared/contracts/delivery-state';
import type { Pool } from 'undici';
import { answerOf, askEach } from '../proxy/ask-service.ts';

/** The whole answer comes within 3 s; the services' own questions to the broker may take two. */
const LIMIT_MS = 2_700;

export interface Asking {
  readonly upstreams: Readonly<Record<string, Pool>>;
  readonly assertion: string;
}

/** The outbox of each service and of the gateway itself (`own`). */
export async function gatherOutboxes(asking: Asking, own: () => Promise<OutboxStateJson>): Promise<OutboxListJson> {
  const question = { path: '/internal/outbox', assertion: asking.assertion, limitMs: LIMIT_MS };
  const { answers, unreachable } = await askEach<Pool | null, OutboxStateJson>(
    { ...asking.upstreams, gateway: null },
    (pool) => (pool === null ? own() : answerOf(pool, question, outboxState)),
  );
  return gathered(answers, unreachable);
}

/** The consumers of every service. */
export async function gatherConsumers(asking: Asking): Promise<ConsumerListJson> {
  const question = { path: '/internal/consumers', assertion: asking.assertion, limitMs: LIMIT_MS };
  const { answers, unreachable } = await askEach(asking.upstreams, (pool) =>
    answerOf(pool, question, serviceConsumers),
  );
  return gathered(
    answers.flatMap(({ consumers }) => consumers),
    unreachable,
  );
}

function gathered<T>(data: T[], unreachable: string[]) {
  const asOf = new Date().toISOString();
  return { object: 'list' as const, data, has_more: false as const, next_cursor: null, unreachable, as_of: asOf };
}
