import type { Pool } from 'undici';
import { neverSent } from '../proxy/upstream.ts';
import { TransportError, type HoldAnswer, type HoldTransport } from './gather-holds.ts';

/** Checked by hand: this runs for every batch of the hot path, and booking is ours. */
function isAnswers(value: unknown): value is { answers: HoldAnswer[] } {
  return typeof value === 'object' && value !== null && 'answers' in value && Array.isArray(value.answers);
}

/** Carries gathered holds to `POST /internal/holds` of booking, or to another path that takes the same call. */
export function bookingTransport(pool: Pool, path = '/internal/holds'): HoldTransport {
  return async (payload, timeoutMs) => {
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json' },
        body: payload,
        // undici counts its own timeouts in steps of about a second; a deadline is finer.
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs))),
      });
      const text = await body.text();
      if (statusCode !== 200) {
        throw new TransportError(`booking answered ${statusCode} to gathered holds`, { answerLost: false });
      }
      const parsed: unknown = JSON.parse(text);
      if (!isAnswers(parsed)) throw new TransportError('booking answered without answers', { answerLost: false });
      return parsed.answers;
    } catch (error) {
      if (error instanceof TransportError) throw error;
      throw new TransportError('no answer from booking', { answerLost: !neverSent(error), cause: error });
    }
  };
}
