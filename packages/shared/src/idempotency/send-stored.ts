import type { Response } from 'express';
import type { OnceAnswered } from '@holdfast/shared/idempotency/answer-once';

/** Sends what `answerOnce` gave. */
export function sendStored(res: Response, { answer, replayed }: OnceAnswered): void {
  res
    .status(answer.status)
    .set(answer.headers)
    .set(replayed ? { 'Idempotent-Replayed': 'true' } : {})
    .type('application/json')
    .send(answer.body);
}
