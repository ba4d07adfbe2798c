import type { Queryable } from '@holdfast/shared/db/transaction';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BITS = 30;
const MASK = 2 ** BITS - 1;
/** References one value of the sequence stands for; a block that a crash leaves unused is just a gap. */
const BLOCK = 1_000;

/**
 * The n-th reference of a day: `BK`, the date and six characters. The characters are a permutation of n over 30 bits, so references
 * look random, cannot be counted by a stranger, and still never collide before 2^30 of them (random ones would: half a chance
 * after 38,000 a day, and each collision would roll a whole batch back).
 */
export function formatReference(n: number, at: Date): string {
  let code = permute(n % 2 ** BITS);
  let text = '';
  for (let i = 0; i < 6; i++) {
    text = ALPHABET[code & 31]! + text;
    code >>>= 5;
  }
  return `BK${at.toISOString().slice(0, 10).replaceAll('-', '')}-${text}`;
}

/** A bijection of 0 … 2^30-1: multiplication by an odd number and xor-shifts can each be undone. */
export function permute(n: number): number {
  let x = n & MASK;
  x = Math.imul(x, 0x2c1b3c6d) & MASK;
  x ^= x >>> 15;
  x = Math.imul(x, 0x297a2d39) & MASK;
  x ^= x >>> 13;
  return x & MASK;
}

/** Numbers for references, taken from the database in blocks. One per process. */
export class ReferenceNumbers {
  #next = 0;
  #end = 0;

  /**
   * `count` numbers, at most 1,000, nobody else's however many draw at the same time; one query per 1,000 of them at most. Those that
   * are not used are given up: numbers are plenty.
   */
  async draw(db: Queryable, count: number): Promise<number[]> {
    if (count > BLOCK) throw new RangeError(`${count} is more than a block of references`);
    // Others may have drawn from the new block before this continues.
    while (this.#end - this.#next < count) {
      const { rows } = await db.query<{ block: bigint }>(`select nextval('booking_reference_blocks') as block`);
      this.#next = Number(rows[0]!.block) * BLOCK;
      this.#end = this.#next + BLOCK;
    }
    const first = this.#next;
    this.#next += count;
    return Array.from({ length: count }, (_, i) => first + i);
  }
}
