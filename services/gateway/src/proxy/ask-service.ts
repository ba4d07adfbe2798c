import { ASSERTION_HEADER } from '@holdfast/shared/http/internal-assertion';
import type { Pool } from 'undici';
import type { z } from 'zod';

/** A question of the gateway's own to a service, in the name of a caller. */
export interface Question {
  readonly path: string;
  readonly assertion: string;
  /** By when the answer must be here, in ms. */
  readonly limitMs: number;
  /** GET unless told. */
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: object;
}

/** Asks a service. @throws whatever keeps it from answering in time. */
export async function askService(
  pool: Pool,
  { path, assertion, limitMs, method = 'GET', body }: Question,
): Promise<{ status: number; text: string }> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await pool.request({
    ...{ method, path },
    headers: { [ASSERTION_HEADER]: assertion, accept: 'application/json', ...json },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(limitMs),
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

/** The answer of a service that must have one. @throws Error for any other than a 200 of this form, too. */
export async function answerOf<S extends z.ZodType>(pool: Pool, question: Question, schema: S): Promise<z.output<S>> {
  const { status, text } = await askService(pool, question);
  if (status !== 200) throw new Error(`it answered ${status}`);
  return schema.parse(JSON.parse(text));
}

/** Asks several side by side, each by its name: the answers that came, and who gave none, in the order of the names. */
export async function askEach<Each, T>(
  several: Readonly<Record<string, Each>>,
  ask: (each: Each) => Promise<T>,
): Promise<{ answers: T[]; unreachable: string[] }> {
  const settled = await Promise.allSettled(Object.values(several).map(ask));
  return {
    answers: settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    unreachable: Object.keys(several).filter((_, index) => settled[index]!.status === 'rejected'),
  };
}
