import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export type IdPrefix = 'pi' | 'ch' | 're' | 'evt' | 'req' | 'we';

/** An identifier as Stripe writes them: `pi_` and 24 letters or digits. The slight bias of the modulo does not matter here. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${randomText(24)}`;
}

export function randomText(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += ALPHABET[byte % ALPHABET.length];
  return text;
}
