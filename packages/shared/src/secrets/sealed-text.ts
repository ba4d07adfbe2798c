import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { keysFor } from './derived-keys.ts';
import type { Secrets } from './secret-ring.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealer {
  /** A text that only a holder of the secret can read, different each time. */
  seal(text: string): string;
  /** The text again, or null when it was sealed for another purpose, under a secret that is gone, or changed since. */
  unseal(sealed: string): string | null;
}

/**
 * Seals what must pass through events, tables and dead letters without being readable there (AES-256-GCM under a key of the ring). Every
 * secret of the ring unseals, so a message that was under way while the secret changed is still understood.
 */
export function createSealer(secrets: Secrets, purpose: string): Sealer {
  const keys = keysFor(secrets, `holdfast sealed ${purpose}`);
  return {
    seal(text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', keys()[0]!, nonce);
      return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
        'base64url',
      );
    },
    unseal(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      for (const key of keys()) {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
        try {
          return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString(
            'utf8',
          );
        } catch {
          // Another key's, or nobody's: the next one is tried.
        }
      }
      return null;
    },
  };
}
