import type { PhoneJson } from '@holdfast/shared/contracts/text-messages';
import type { PhoneRow } from './phone-store.ts';

/** A number as the API shows it. */
export function toPhoneJson(row: PhoneRow): PhoneJson {
  return {
    object: 'phone',
    phone: row.phone,
    verified: row.verified_at !== null,
    code_expires_at: row.code_expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}
