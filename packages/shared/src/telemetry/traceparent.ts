import { randomFillSync } from 'node:crypto';

const FORMAT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** A W3C traceparent that a client sent, or a new one when it sent none or a malformed one. */
export function traceparentFrom(header: string | undefined): string {
  const match = header === undefined ? null : FORMAT.exec(header);
  if (header !== undefined && match && !/^0+$/.test(match[1]!) && !/^0+$/.test(match[2]!)) return header;
  const random = randomHex();
  return `00-${random.slice(0, 32)}-${random.slice(32)}-00`;
}

const BYTES = 24;
const pool = Buffer.alloc(BYTES * 256);
let at = pool.length;

/** 24 random bytes in hex, drawn in large portions: every request without a trace makes a new one, and each draw has a fixed cost. */
function randomHex(): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  return pool.toString('hex', at, (at += BYTES));
}
