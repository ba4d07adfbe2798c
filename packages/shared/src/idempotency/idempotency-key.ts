import { createHash } from 'node:crypto';
import { Problem } from '../problems.ts';

const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;

/**
 * The key of an Idempotency-Key header, quoted (a structured-field string) or bare: both forms of one key are the same key.
 * Null when the header is absent. @throws Problem `idempotency_key_invalid`.
 */
export function readIdempotencyKey(header: string | string[] | undefined | null): string | null {
  if (header === undefined || header === null) return null;
  const raw = (Array.isArray(header) ? header.join(',') : header).trim();
  const key = /^".*"$/.test(raw) ? raw.slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\') : raw;
  if (!VISIBLE_ASCII.test(key)) throw new Problem('idempotency_key_invalid');
  return key;
}

/** As above, for the calls that must have one. @throws Problem `idempotency_key_missing` or `idempotency_key_invalid`. */
export function requireIdempotencyKey(header: string | string[] | undefined | null): string {
  const key = readIdempotencyKey(header);
  if (key === null) throw new Problem('idempotency_key_missing');
  return key;
}

/**
 * What a key stands for: method, path and the parsed body with its defaults, so that spacing, the order of members and 1 against
 * 1.0 make no difference.
 */
export function fingerprint(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${method} ${path}\n${canonicalJson(body)}`)
    .digest('base64url');
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
