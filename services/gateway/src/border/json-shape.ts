import { Problem, type FieldError } from '@holdfast/shared/problems';

/** Ours have five levels at most. What is nested deeper was made to exhaust somebody's stack. */
const MAX_DEPTH = 32;

/** Texts without one of these have nothing that `checkValue` looks for: almost every body is done with after this. */
const SUSPICIOUS = /__proto__|\\u/;

/** Refuses JSON that is nested too deep, before it is parsed. @throws Problem `malformed_json`. */
export function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (inString) {
      // A backslash takes the next character with it, a quotation mark too.
      if (char === 92) i += 1;
      else if (char === 34) inString = false;
    } else if (char === 34) inString = true;
    else if (char === 123 || char === 91) {
      depth += 1;
      if (depth > MAX_DEPTH) {
        throw new Problem('malformed_json', { detail: `the body is nested deeper than ${MAX_DEPTH} levels` });
      }
    } else if (char === 125 || char === 93) depth -= 1;
  }
}

/**
 * Refuses what JSON allows and nothing behind the gateway should meet: a key `__proto__`, text that is no Unicode (lone surrogates),
 * NUL, which PostgreSQL cannot store. @throws Problem `validation_failed` with a pointer to each.
 */
export function checkValue(text: string, value: object): void {
  if (!SUSPICIOUS.test(text)) return;
  const errors: FieldError[] = [];
  walk(value, '', errors);
  if (errors.length > 0) throw new Problem('validation_failed', { errors: errors.slice(0, 50) });
}

function walk(value: unknown, pointer: string, errors: FieldError[]): void {
  if (typeof value === 'string') {
    if (isBroken(value)) errors.push({ pointer: pointer || '/', code: 'invalid_text', message: BROKEN });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    const broken = isBroken(key);
    const at = `${pointer}/${broken ? '?' : key.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (broken) errors.push({ pointer: at, code: 'invalid_text', message: BROKEN });
    if (key === '__proto__') {
      errors.push({ pointer: at, code: 'unknown_field', message: 'this field is not known here' });
    } else walk((value as Record<string, unknown>)[key], at, errors);
  }
}

const BROKEN = 'must be well-formed Unicode without NUL';

function isBroken(text: string): boolean {
  return !text.isWellFormed() || text.includes('\u0000');
}
