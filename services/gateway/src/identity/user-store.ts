import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { Role } from '@holdfast/shared/http/internal-assertion';
import type { UserId } from '@holdfast/shared/ids';
import type { Account, User } from './user.ts';

export interface UserWithPassword extends Account {
  readonly passwordHash: string;
}

interface UserRow {
  id: UserId;
  email: string;
  name: string;
  role: Role;
  email_verified: boolean;
  password_hash: string;
}

const COLUMNS = 'id, email, name, role, email_verified_at is not null as email_verified, password_hash';

const toUser = (row: UserRow): UserWithPassword => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  emailVerified: row.email_verified,
  passwordHash: row.password_hash,
});

export async function findUserByEmail(db: Queryable, email: string): Promise<UserWithPassword | null> {
  const { rows } = await db.query<UserRow>(
    `select ${COLUMNS}
     from users
     where email = $1`,
    [email],
  );
  return rows[0] ? toUser(rows[0]) : null;
}

export async function findUserById(db: Queryable, id: UserId): Promise<UserWithPassword | null> {
  const { rows } = await db.query<UserRow>(
    `select ${COLUMNS}
     from users
     where id = $1`,
    [id],
  );
  return rows[0] ? toUser(rows[0]) : null;
}

/** False when the address has an account. The transaction goes on: nothing is raised. */
export async function insertUser(tx: Tx, user: User, passwordHash: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into users (id, email, name, role, password_hash)
     values ($1, $2, $3, $4, $5)
     on conflict on constraint users_email_is_unique do nothing`,
    [user.id, user.email, user.name, user.role, passwordHash],
  );
  return rowCount === 1;
}

/** `differsUntilMs`: wall clock when the last access token that names another role expires. */
export async function setRoleAndPassword(tx: Tx, user: UserWithPassword, differsUntilMs: number): Promise<void> {
  await tx.query(
    `update users
     set role_differs_until = case when role = $2 then role_differs_until else $4 end,
         role = $2,
         password_hash = $3,
         updated_at = clock.app_now()
     where id = $1`,
    [user.id, user.role, user.passwordHash, new Date(differsUntilMs)],
  );
}

/** Locks every administrator, in the order of ids, and gives their ids: whoever takes the role from one must know who is left. */
export async function lockAdmins(tx: Tx): Promise<UserId[]> {
  const { rows } = await tx.query<{ id: UserId }>(
    `select id
     from users
     where role = 'admin'
     order by id
     for update`,
  );
  return rows.map((row) => row.id);
}

/** False when the role is no longer `from`. */
export async function setRole(tx: Tx, id: UserId, from: Role, to: Role, differsUntilMs: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update users
     set role = $3, role_differs_until = $4, updated_at = clock.app_now()
     where id = $1
       and role = $2`,
    [id, from, to, new Date(differsUntilMs)],
  );
  return rowCount === 1;
}

/** Users of whom an access token with another role may still run at `nowMs` (wall clock). */
export async function listRoleChanges(
  db: Queryable,
  nowMs: number,
): Promise<{ userId: UserId; role: Role; untilMs: number }[]> {
  const { rows } = await db.query<{ id: UserId; role: Role; role_differs_until: Date }>(
    `select id, role, role_differs_until
     from users
     where role_differs_until > $1`,
    [new Date(nowMs)],
  );
  return rows.map((row) => ({ userId: row.id, role: row.role, untilMs: row.role_differs_until.getTime() }));
}

/** False when the address changed meanwhile. Verifying it twice keeps the first time. */
export async function markEmailVerified(tx: Tx, id: UserId, email: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update users
     set email_verified_at = coalesce(email_verified_at, clock.app_now()), updated_at = clock.app_now()
     where id = $1
       and email = $2`,
    [id, email],
  );
  return rowCount === 1;
}

export async function setPassword(tx: Tx, id: UserId, passwordHash: string): Promise<void> {
  await tx.query(
    `update users
     set password_hash = $2, updated_at = clock.app_now()
     where id = $1`,
    [id, passwordHash],
  );
}

/** The next number of the user's events of family account, under the row's lock. With the business time of the moment. */
export async function nextAccountSequence(tx: Tx, id: UserId): Promise<{ seq: number; at: Date }> {
  const { rows } = await tx.query<{ account_seq: number; at: Date }>(
    `update users
     set account_seq = account_seq + 1
     where id = $1
     returning account_seq, clock.app_now() as at`,
    [id],
  );
  return { seq: rows[0]!.account_seq, at: rows[0]!.at };
}
