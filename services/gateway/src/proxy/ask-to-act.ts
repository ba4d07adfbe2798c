import { PROBLEMS, Problem, type FieldError, type ProblemCode } from '@holdfast/shared/problems';
import type { Pool } from 'undici';
import { askService, type Question } from './ask-service.ts';

/**
 * Has a service do something, and gives its answer. @throws Problem: the service's own refusal, or `dependency_unavailable` where it
 * does not answer, or not as agreed.
 */
export async function askToAct(pool: Pool, service: string, question: Omit<Question, 'method'>): Promise<unknown> {
  const { status, text } = await askService(pool, { ...question, method: 'POST' }).catch((error: unknown) => {
    throw new Problem('dependency_unavailable', { detail: `the ${service} service did not answer`, cause: error });
  });
  const json: unknown = JSON.parse(text);
  if (status >= 200 && status < 300) return json;
  const refused = json as { code?: unknown; detail?: unknown; errors?: FieldError[] };
  if (!isCode(refused.code)) {
    throw new Problem('dependency_unavailable', { detail: `the ${service} service answered ${status}` });
  }
  throw new Problem(refused.code, {
    detail: String(refused.detail),
    ...(refused.errors === undefined ? {} : { errors: refused.errors }),
  });
}

const isCode = (code: unknown): code is ProblemCode => typeof code === 'string' && code in PROBLEMS;
