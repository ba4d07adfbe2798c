import type { Response } from 'express';
import type { OnceAnswered } from './answer-once.ts';

/** Sends what `answerOnce` gave, to the letter; `body` in its place where it is not stored as the caller sees it. */
export function sendStored(res: Response, { answer, replayed }: OnceAnswered, body: string = answer.body): void {
  res
    .status(answer.status)
    .set(answer.headers)
    .set(replayed ? { 'Idempotent-Replayed': 'true' } : {})
    .type(answer.status >= 400 ? 'application/problem+json' : 'application/json')
    .send(body);
}
