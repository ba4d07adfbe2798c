import { parseBody } from '@holdfast/shared/http/validation';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a PATCH body. @throws Problem `validation_failed` for anything but an object with at least one field. */
export function readPatch(body: unknown): Fields {
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length > 0) {
    return body as Fields;
  }
  throw new Problem('validation_failed', {
    errors: [{ pointer: '/', code: 'invalid_type', message: 'must be an object with the fields that change' }],
  });
}

/**
 * The object as it would be created with the patch applied, checked as a whole: rules between a field that changes and one that does
 * not hold as well. Null in a patch takes an optional field away.
 * @throws Problem `validation_failed` with a pointer to each wrong field.
 */
export function mergePatch<S extends z.ZodType>(schema: S, current: Fields, patch: Fields): z.output<S> {
  const merged = Object.entries({ ...current, ...patch }).filter(([, value]) => value !== null);
  return parseBody(schema, Object.fromEntries(merged));
}

/** Which of these fields a patch would give another value. Only for fields that hold text or a truth value. */
export function changedFields(current: Fields, patch: Fields, fields: readonly string[]): string[] {
  return fields.filter((field) => Object.hasOwn(patch, field) && patch[field] !== current[field]);
}
