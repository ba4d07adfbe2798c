import { randomInt } from 'node:crypto';
import type { PhoneJson } from '@holdfast/shared/contracts/text-messages';
import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { RequestId, UserId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import { recordPhoneCode } from '../deliveries/record-text.ts';
import { toPhoneJson } from './phone-json.ts';
import { findPhone, savePhone, takeCode } from './phone-store.ts';

export interface PhoneDeps {
  readonly pool: Pool;
  /** Seals codes; null when this installation sends no text messages. */
  readonly sealer: Sealer | null;
}

/**
 * Keeps the user's number and sends a code to it; until the code comes back nothing else goes there. A number that is verified already
 * stays as it is and gets no code. @throws Problem `text_messages_off`, `rate_limited`.
 */
export async function registerPhone(
  { pool, sealer }: PhoneDeps,
  given: { userId: UserId; phone: string; requestId: RequestId },
): Promise<PhoneJson> {
  if (!sealer) throw new Problem('text_messages_off');
  const { userId, phone, requestId } = given;
  return withTransaction(pool, async (tx) => {
    const known = await findPhone(tx, userId);
    if (known?.phone === phone && known.verified_at !== null) return toPhoneJson(known);
    if (!(await takeCode(tx, userId, phone))) {
      throw new Problem('rate_limited', {
        detail: 'this account or this number had as many codes today as it may have',
        headers: { 'Retry-After': '3600' },
      });
    }
    const sealedCode = sealer.seal(String(randomInt(1_000_000)).padStart(6, '0'));
    const row = await savePhone(tx, userId, phone, sealedCode);
    await recordPhoneCode(tx, { userId, phone, sealedCode, expiresAt: row.code_expires_at!, requestId });
    return toPhoneJson(row);
  });
}
