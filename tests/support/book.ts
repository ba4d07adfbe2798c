import { randomUUID } from 'node:crypto';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { until } from '@holdfast/shared/testing/until';
import type { Answer, ApiClient } from './api-client.ts';

const PATIENCE_MS = 40_000;

/**
 * Sends a POST as a careful client does: with one Idempotency-Key, again and again until there is an answer other than "not now" and
 * "not yet". Lost connections and 5xx count as "not now", a 202 as "not yet".
 */
export async function postUntilAnswered<T>(api: ApiClient, path: string, body: object): Promise<Answer<T>> {
  const key = randomUUID();
  let last = 'none';
  try {
    return await until(
      'a final answer',
      async () => {
        const answer = await api.post<T>(path, body, { key });
        last = `${answer.status} ${answer.text}`;
        return answer.status >= 500 || answer.status === 202 ? null : answer;
      },
      PATIENCE_MS,
    );
  } catch (error) {
    throw new Error(`POST ${path} got no final answer; the last one was ${last}`, { cause: error });
  }
}

/** Holds and pays, however often it takes. @throws Error when either is refused. */
export async function bookPatiently(api: ApiClient, hold: object, method = 'pm_card_visa'): Promise<BookingJson> {
  const held = await postUntilAnswered<BookingJson>(api, '/v1/bookings', hold);
  if (held.status !== 201) throw new Error(`the hold was answered ${held.status}: ${held.text}`);
  const paid = await postUntilAnswered<BookingJson>(api, `/v1/bookings/${held.body.id}/pay`, {
    payment_method: method,
  });
  if (paid.status !== 200) throw new Error(`the payment was answered ${paid.status}: ${paid.text}`);
  return paid.body;
}
