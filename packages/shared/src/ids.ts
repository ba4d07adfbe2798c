import { randomBytes } from 'node:crypto';

/** The kinds of public ids; the prefix tells a reader what an id names (TypeID form, see docs/adr). */
export const ID_PREFIXES = [
  'usr',
  'ven',
  'res',
  'hal',
  'evt',
  'bkg',
  'pay',
  'rfd',
  'ser',
  'wtl',
  'whk',
  'tkt',
  'dlq',
  'rpl',
  'req',
  'aud',
  'ses',
  'msg',
  'att',
  // Internal kinds; they never leave a service.
  'sag',
  'opr',
  'dlv',
  'clm',
] as const;

export type IdPrefix = (typeof ID_PREFIXES)[number];
export type Id<P extends IdPrefix> = `${P}_${string}`;

export type UserId = Id<'usr'>;
export type VenueId = Id<'ven'>;
export type ResourceId = Id<'res'>;
export type HallId = Id<'hal'>;
export type EventId = Id<'evt'>;
export type BookingId = Id<'bkg'>;
export type PaymentId = Id<'pay'>;
export type RequestId = Id<'req'>;
export type AuditId = Id<'aud'>;
/** Id of one message in an outbox; it stays the same however often the message is delivered. */
export type MessageId = Id<'msg'>;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
// 26 characters hold 130 bits; a first character above 7 would be more than 128.
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

let lastMillis = 0;
let sequence = 0;
let pool = randomBytes(4096);
let poolAt = 0;

function randomSlice(size: number): Buffer {
  if (poolAt + size > pool.length) {
    pool = randomBytes(4096);
    poolAt = 0;
  }
  const slice = pool.subarray(poolAt, poolAt + size);
  poolAt += size;
  return slice;
}

/** 16 bytes of a UUIDv7 (RFC 9562): milliseconds, then a 12-bit counter that rises within one millisecond, then 62 random bits. */
function uuidv7Bytes(): Uint8Array {
  const bytes = new Uint8Array(16);
  const now = Date.now();
  if (now > lastMillis) {
    lastMillis = now;
    sequence = randomSlice(1)[0]!;
  } else if (++sequence > 0xfff) {
    // The counter is used up: borrow the next millisecond, so that ids of one process keep rising.
    lastMillis += 1;
    sequence = 0;
  }
  const millis = lastMillis;
  bytes[0] = Math.floor(millis / 2 ** 40);
  bytes[1] = (millis / 2 ** 32) & 0xff;
  bytes[2] = (millis / 2 ** 24) & 0xff;
  bytes[3] = (millis / 2 ** 16) & 0xff;
  bytes[4] = (millis / 2 ** 8) & 0xff;
  bytes[5] = millis & 0xff;
  bytes[6] = 0x70 | (sequence >> 8);
  bytes[7] = sequence & 0xff;
  bytes.set(randomSlice(8), 8);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return bytes;
}

/** Crockford base32 of 16 bytes, most significant first, padded with two zero bits in front: 26 characters. */
function toBase32(bytes: Uint8Array): string {
  let out = '';
  let buffer = 0;
  let bits = 2;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += ALPHABET[(buffer >> bits) & 31]!;
      buffer &= (1 << bits) - 1;
    }
  }
  return out;
}

/** A new id: the prefix and a UUIDv7 in 26 characters of lower-case Crockford base32. Ids of one process sort by creation. */
export function newId<P extends IdPrefix>(prefix: P): Id<P> {
  return `${prefix}_${toBase32(uuidv7Bytes())}`;
}

/** When an id was made, in ms: the first 48 bits of a UUIDv7. Only of well-formed ids. */
export function timeOfId(id: string): number {
  let millis = 0;
  // Ten characters are 50 bits, two of them padding.
  for (const character of id.slice(id.indexOf('_') + 1).slice(0, 10))
    millis = millis * 32 + ALPHABET.indexOf(character);
  return millis;
}

/** Whether `value` is a well-formed id of this kind. Upper case, other prefixes and other lengths are not. */
export function isId<P extends IdPrefix>(prefix: P, value: unknown): value is Id<P> {
  return (
    typeof value === 'string' &&
    value.length === prefix.length + 27 &&
    value.startsWith(`${prefix}_`) &&
    SUFFIX.test(value.slice(prefix.length + 1))
  );
}
