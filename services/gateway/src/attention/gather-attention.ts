import { joinAttention } from '@holdfast/shared/attention/attention-source';
import { serviceAttention, type AttentionJson, type ServiceAttention } from '@holdfast/shared/contracts/attention';
import type { Pool } from 'undici';
import { answerOf } from '../proxy/ask-service.ts';

/** The whole answer comes within 3 s; a service that takes longer is itself something to look at. */
const LIMIT_MS = 2_000;

/**
 * Asks every service side by side what needs a person, and puts the answers together, the longest first. `own` is the gateway's part.
 * A service that does not answer in time, or not as agreed, is an item itself: a short list must not look like a quiet night.
 */
export async function gatherAttention(
  upstreams: Readonly<Record<string, Pool>>,
  assertion: string,
  own: () => Promise<ServiceAttention>,
): Promise<AttentionJson> {
  const asked = new Date();
  const question = { path: '/internal/attention', assertion, limitMs: LIMIT_MS };
  const answers = Object.entries(upstreams).map(([service, pool]) =>
    orUnreachable(service, asked, () => answerOf(pool, question, serviceAttention)),
  );
  const { items, counts } = joinAttention(await Promise.all([...answers, orUnreachable('gateway', asked, own)]));
  const shown = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    object: 'list',
    data: items,
    // An item may stand for many: see `counts`.
    has_more: shown > items.length,
    next_cursor: null,
    counts,
    as_of: asked.toISOString(),
  };
}

async function orUnreachable(
  service: string,
  asked: Date,
  answer: () => Promise<ServiceAttention>,
): Promise<ServiceAttention> {
  try {
    return await answer();
  } catch (error) {
    const detail = `what needs attention there is not known: ${error instanceof Error ? error.message : 'it failed'}`;
    return {
      items: [{ kind: 'service_unreachable', service, id: null, booking_id: null, since: asked.toISOString(), detail }],
      counts: { service_unreachable: 1 },
    };
  }
}
