import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { Problem } from '@holdfast/shared/problems';

const argon2Async = promisify(argon2);

/** OWASP's minimum for argon2id. Memory in KiB. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const PARALLELISM = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** A hash takes a thread of libuv's four for about 40 ms; two at once, and never more than there are cores, leave some for everything else. */
const AT_ONCE = Math.min(2, availableParallelism());
const MAX_WAITING = 50;

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Hashes passwords with argon2id, a bounded number at once. */
export class PasswordHasher {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #decoy: Promise<string> | null = null;

  /** The PHC string of a password. @throws Problem `dependency_unavailable` when more than 50 hashes wait already. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const tag = await this.#inTurn(() =>
      argon2Async('argon2id', {
        message: password,
        nonce: salt,
        memory: MEMORY_KIB,
        passes: PASSES,
        parallelism: PARALLELISM,
        tagLength: TAG_BYTES,
      }),
    );
    return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${PARALLELISM}$${unpadded(salt)}$${unpadded(tag)}`;
  }

  /**
   * Whether the password fits the stored hash. For an unknown user pass null: a decoy is hashed, so that the refusal costs the same
   * time. @throws Problem `dependency_unavailable` when more than 50 hashes wait already.
   */
  async verify(password: string, stored: string | null): Promise<boolean> {
    const match = PHC.exec(stored ?? (await this.#decoyHash()));
    if (!match) throw new Error('a stored password hash is not an argon2id PHC string');
    const expected = Buffer.from(match[5]!, 'base64');
    const tag = await this.#inTurn(() =>
      argon2Async('argon2id', {
        message: password,
        nonce: Buffer.from(match[4]!, 'base64'),
        memory: Number(match[1]),
        passes: Number(match[2]),
        parallelism: Number(match[3]),
        tagLength: expected.length,
      }),
    );
    return timingSafeEqual(tag, expected) && stored !== null;
  }

  /** Makes the decoy before the first sign-in needs it, else the first unknown address would take twice as long. */
  async warmUp(): Promise<void> {
    await this.#decoyHash();
  }

  #decoyHash(): Promise<string> {
    return (this.#decoy ??= this.hash(randomBytes(16).toString('hex')));
  }

  async #inTurn(work: () => Promise<Buffer>): Promise<Buffer> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= MAX_WAITING) {
        throw new Problem('dependency_unavailable', { detail: 'too many sign-ins at once, try again shortly' });
      }
      // The one that ends hands its place over, so the count stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
