import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';

export const CODE_MINUTES = 10;
/** Wrong codes after which a code is worth nothing: 5 of 1,000,000. */
export const WRONG_CODES = 5;
/** Codes for one user in a day. */
export const CODES_A_USER = 5;
/** Codes to one number in a day, whoever asks: somebody who does not want them gets no more. */
export const CODES_A_NUMBER = 10;

export interface PhoneRow {
  readonly phone: string;
  readonly verified_at: Date | null;
  readonly sealed_code: string | null;
  readonly code_expires_at: Date | null;
  readonly wrong_codes: number;
  readonly created_at: Date;
}

const COLUMNS = 'phone, verified_at, sealed_code, code_expires_at, wrong_codes, created_at';

export async function findPhone(db: Queryable, userId: UserId): Promise<PhoneRow | null> {
  const { rows } = await db.query<PhoneRow>(`select ${COLUMNS} from phones where user_id = $1`, [userId]);
  return rows[0] ?? null;
}

/** Locks it, so that codes are tried one after the other. */
export async function lockPhone(tx: Tx, userId: UserId): Promise<(PhoneRow & { now: Date }) | null> {
  const { rows } = await tx.query<PhoneRow & { now: Date }>(
    `select ${COLUMNS}, clock.app_now() as now from phones where user_id = $1 for update`,
    [userId],
  );
  return rows[0] ?? null;
}

/**
 * Counts a code before it is sent, and forgets those of more than a day ago. False when the user or the number had as many as they may.
 * The table is locked against other writers: two that ask at once must not both be the last. It has few rows and few callers.
 */
export async function takeCode(tx: Tx, userId: UserId, phone: string): Promise<boolean> {
  await tx.query('lock table phone_codes in share row exclusive mode');
  await tx.query(`delete from phone_codes where sent_at <= clock.app_now() - interval '1 day'`);
  const { rowCount } = await tx.query(
    `insert into phone_codes (user_id, phone)
     select $1::text, $2::text
      where (select count(*) from phone_codes where user_id = $1) < ${CODES_A_USER}
        and (select count(*) from phone_codes where phone = $2) < ${CODES_A_NUMBER}`,
    [userId, phone],
  );
  return rowCount === 1;
}

/** Keeps a number, in place of another one, with the code that has to come back. */
export async function savePhone(tx: Tx, userId: UserId, phone: string, sealedCode: string): Promise<PhoneRow> {
  const { rows } = await tx.query<PhoneRow>(
    `insert into phones (user_id, phone, sealed_code, code_expires_at)
     values ($1, $2, $3, clock.app_now() + make_interval(mins => ${CODE_MINUTES}))
     on conflict (user_id) do update
       set phone = excluded.phone, verified_at = null, sealed_code = excluded.sealed_code,
           code_expires_at = excluded.code_expires_at, wrong_codes = 0, updated_at = clock.app_now()
     returning ${COLUMNS}`,
    [userId, phone, sealedCode],
  );
  return rows[0]!;
}

export async function countWrongCode(tx: Tx, userId: UserId): Promise<void> {
  await tx.query(
    `update phones set wrong_codes = wrong_codes + 1, updated_at = clock.app_now()
      where user_id = $1 and wrong_codes < ${WRONG_CODES}`,
    [userId],
  );
}

export async function markVerified(tx: Tx, userId: UserId): Promise<PhoneRow> {
  const { rows } = await tx.query<PhoneRow>(
    `update phones
        set verified_at = clock.app_now(), sealed_code = null, code_expires_at = null, wrong_codes = 0,
            updated_at = clock.app_now()
      where user_id = $1
      returning ${COLUMNS}`,
    [userId],
  );
  return rows[0]!;
}

/** False when there was none. */
export async function deletePhone(tx: Tx, userId: UserId): Promise<boolean> {
  const { rowCount } = await tx.query('delete from phones where user_id = $1', [userId]);
  return rowCount === 1;
}

/** Where the user wants text messages; null when nowhere. */
export async function verifiedPhoneOf(tx: Tx, userId: UserId): Promise<string | null> {
  const { rows } = await tx.query<{ phone: string }>({
    name: 'phones-verified',
    text: 'select phone from phones where user_id = $1 and verified_at is not null',
    values: [userId],
  });
  return rows[0]?.phone ?? null;
}
