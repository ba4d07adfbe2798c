import { hkdfSync } from 'node:crypto';
import { allSecrets, type Secrets } from './secret-ring.ts';

/** Secrets change seldom; keys of more than these are made anew. */
const KEPT = 16;

/**
 * Makes a function that gives a key of 32 bytes for each secret of a ring, the current one first. Keys of different purposes tell
 * nothing about each other, so one secret serves them all.
 */
export function keysFor(secrets: Secrets, purpose: string): () => readonly Buffer[] {
  const known = new Map<string, Buffer>();
  const derive = (secret: string): Buffer => {
    let key = known.get(secret);
    if (!key) {
      if (known.size >= KEPT) known.clear();
      known.set(secret, (key = Buffer.from(hkdfSync('sha256', secret, '', purpose, 32))));
    }
    return key;
  };
  return () => allSecrets(secrets).map(derive);
}
