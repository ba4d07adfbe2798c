import { Problem } from '@holdfast/shared/problems';
import { textOf } from '../proxy/service-call.ts';
import type { ServiceLink } from '../proxy/service-link.ts';
import { neverSent } from '../proxy/upstream.ts';
import { TransportError, type HoldAnswer, type HoldTransport } from './gather-holds.ts';

/** Checked by hand: this runs for every batch of the hot path, and booking is ours. */
function isAnswers(value: unknown): value is { answers: HoldAnswer[] } {
  return typeof value === 'object' && value !== null && 'answers' in value && Array.isArray(value.answers);
}

/** Carries gathered holds to `POST /internal/holds` of booking, or to another path that takes the same call. */
export function bookingTransport(link: ServiceLink, path = '/internal/holds'): HoldTransport {
  return async (payload, timeoutMs) => {
    try {
      const answer = await link.call({
        method: 'POST',
        path,
        headers: ['content-type', 'application/json'],
        body: payload,
        limitMs: Math.max(1, Math.ceil(timeoutMs)),
        // Each hold has its key.
        repeatable: true,
        whole: true,
      });
      if (answer.status !== 200) {
        throw new TransportError(`booking answered ${answer.status} to gathered holds`, { answerLost: false });
      }
      const parsed: unknown = JSON.parse(textOf(answer));
      if (!isAnswers(parsed)) throw new TransportError('booking answered without answers', { answerLost: false });
      return parsed.answers;
    } catch (error) {
      if (error instanceof TransportError) throw error;
      throw new TransportError('no answer from booking', {
        answerLost: !neverSent(error) && !(error instanceof Problem),
        cause: error,
      });
    }
  };
}
