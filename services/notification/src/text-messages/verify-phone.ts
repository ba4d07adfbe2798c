import { timingSafeEqual } from 'node:crypto';
import type { PhoneJson } from '@holdfast/shared/contracts/text-messages';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { PhoneDeps } from './register-phone.ts';
import { toPhoneJson } from './phone-json.ts';
import { countWrongCode, lockPhone, markVerified, WRONG_CODES } from './phone-store.ts';

/**
 * Takes the code that was sent to the user's number. Five wrong ones, or ten minutes, and a new one has to be asked for; a number that is
 * verified already stays so. @throws Problem `not_found`, `phone_code_expired`, `phone_code_wrong`.
 */
export async function verifyPhone({ pool, sealer }: PhoneDeps, userId: UserId, code: string): Promise<PhoneJson> {
  if (!sealer) throw new Problem('text_messages_off');
  const outcome = await withTransaction(pool, async (tx) => {
    const row = await lockPhone(tx, userId);
    if (!row) return 'not_found';
    if (row.verified_at !== null) return toPhoneJson(row);
    // One that was sealed under a secret that is gone can be compared with nothing.
    const sent = sealer.unseal(row.sealed_code!);
    if (sent === null || row.code_expires_at! <= row.now || row.wrong_codes >= WRONG_CODES) return 'phone_code_expired';
    if (timingSafeEqual(Buffer.from(sent), Buffer.from(code))) return toPhoneJson(await markVerified(tx, userId));
    // Counted in this transaction, so it is no reason to roll back.
    await countWrongCode(tx, userId);
    return 'phone_code_wrong';
  });
  if (typeof outcome === 'string') throw new Problem(outcome);
  return outcome;
}
