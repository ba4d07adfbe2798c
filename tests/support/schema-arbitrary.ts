import fc from 'fast-check';
import type { Contract, Schema } from './contract.ts';

/** What a caller knows of the system: ids that it has seen, and values that make sense under a name. */
export interface Knowledge {
  /** Ids with this prefix. */
  ids(prefix: string): readonly string[];
  /** Values that a field or parameter of this name often has. */
  hints(name: string): readonly unknown[];
}

const ID_PATTERN = /^\^([a-z]{3})_\[0-7\]/;
const DAY_MS = 86_400_000;

/** Values that a schema allows, with what the caller knows put in most of the time. Refinements that JSON Schema cannot say may still refuse them. */
export function arbitraryOf(
  contract: Contract,
  schema: Schema,
  knowledge: Knowledge,
  name = '',
): fc.Arbitrary<unknown> {
  const plain = plainArbitrary(contract, contract.resolve(schema), knowledge, name);
  const hints = knowledge.hints(name);
  return hints.length === 0
    ? plain
    : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...hints) }, { weight: 1, arbitrary: plain });
}

function plainArbitrary(contract: Contract, schema: Schema, knowledge: Knowledge, name: string): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => arbitraryOf(contract, choice, knowledge, name)));
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  switch (type) {
    case 'object':
      return objectArbitrary(contract, schema, knowledge);
    case 'array':
      return fc.array(arbitraryOf(contract, schema.items ?? {}, knowledge), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 3),
      });
    case 'integer':
    case 'number':
      return numberArbitrary(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return stringArbitrary(schema, knowledge);
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

function objectArbitrary(contract: Contract, schema: Schema, knowledge: Knowledge): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties ?? {});
  const fields = properties.map(([key, value]) => [key, arbitraryOf(contract, value, knowledge, key)] as const);
  const required = [...(schema.required ?? [])];
  return fc.record(Object.fromEntries(fields), { requiredKeys: required as never[], noNullPrototype: true });
}

function numberArbitrary(schema: Schema): fc.Arbitrary<unknown> {
  const min = schema.minimum ?? (schema.exclusiveMinimum === undefined ? -1000 : schema.exclusiveMinimum + 1);
  const max = Math.min(schema.maximum ?? 1_000_000, Number.MAX_SAFE_INTEGER);
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min, max: Math.min(max, min + 20) }) },
    { weight: 1, arbitrary: fc.maxSafeInteger().map((n) => Math.min(max, Math.max(min, n))) },
    { weight: 1, arbitrary: fc.constantFrom(min, max) },
  );
}

function stringArbitrary(schema: Schema, knowledge: Knowledge): fc.Arbitrary<unknown> {
  const prefix = ID_PATTERN.exec(schema.pattern ?? '')?.[1];
  if (prefix !== undefined) {
    const known = knowledge.ids(prefix);
    const invented = fc.stringMatching(new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`));
    if (known.length === 0) return invented;
    return fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: invented });
  }
  if (schema.format === 'date-time') {
    return fc.integer({ min: -30 * DAY_MS, max: 400 * DAY_MS }).map((ms) => new Date(Date.now() + ms).toISOString());
  }
  if (schema.format === 'date') {
    return fc
      .integer({ min: -30, max: 400 })
      .map((days) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10));
  }
  if (schema.format === 'email') return fc.emailAddress({ size: '-1' });
  if (schema.pattern !== undefined && !/\(\?/.test(schema.pattern))
    return fc.stringMatching(new RegExp(schema.pattern));
  const minLength = schema.minLength ?? 0;
  return fc.string({
    minLength,
    maxLength: Math.min(schema.maxLength ?? minLength + 20, minLength + 20),
    unit: 'grapheme',
  });
}

/** A body or query with one thing wrong: a field gone, one too many, of another type, or far too large. */
export function spoilt(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return odd;
  const fields = Object.keys(value);
  const without = (key: string) => Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  const anyField = fields.length === 0 ? [] : [fc.constantFrom(...fields)];
  return fc.oneof(
    fc
      .constantFrom('role', 'status', 'user_id', 'owner_id', 'price', 'hold_expires_at', 'constructor', 'is_admin')
      .map((key) => ({ ...value, [key]: 'confirmed' })),
    ...anyField.map((field) => field.map(without)),
    ...anyField.map((field) => fc.tuple(field, odd).map(([key, other]) => ({ ...value, [key]: other }))),
    odd,
  );
}

/** What programs choke on. */
export const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    0,
    1.5,
    1e21,
    2 ** 53 + 2,
    '',
    ' ',
    '0',
    '\u0000',
    '\ud800',
    '\u202eabc',
    "' or 1=1 --",
    '../../etc/passwd',
    '%00',
    [],
    {},
    [[]],
    { $ne: null },
    '9'.repeat(400),
    'é'.repeat(300),
    '2026-02-30',
    '10000-01-01T00:00:00Z',
    '1e3',
    'NaN',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
