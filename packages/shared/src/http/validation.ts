import type { z } from 'zod';
import { Problem, type FieldError } from '../problems.ts';

/** Checks a body. @throws Problem `validation_failed` with a JSON pointer to each wrong field. */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  throw new Problem('validation_failed', { errors: toFieldErrors(result.error, '/') });
}

/** Checks a query. A parameter given twice is wrong, so is an unknown one. @throws Problem `validation_failed`. */
export function parseQuery<S extends z.ZodType>(schema: S, query: unknown): z.output<S> {
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  throw new Problem('validation_failed', { errors: toFieldErrors(result.error, '?') });
}

const MAX_ERRORS = 50;

function toFieldErrors(error: z.ZodError, start: '/' | '?'): FieldError[] {
  // Bounded twice: one issue may name thousands of unknown keys.
  const errors = error.issues.slice(0, MAX_ERRORS).flatMap((issue) => {
    const path = issue.path.map(pointerPart);
    // zod names all unknown keys in one issue; a pointer names one field.
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        pointer: start + [...path, pointerPart(key)].join('/'),
        code: 'unknown_field',
        message: 'this field is not known here',
      }));
    }
    return [{ pointer: start + path.join('/'), code: issue.code, message: issue.message }];
  });
  return errors.slice(0, MAX_ERRORS);
}

/** One step of a JSON pointer (RFC 6901). */
function pointerPart(part: PropertyKey): string {
  return String(part).replaceAll('~', '~0').replaceAll('/', '~1');
}
