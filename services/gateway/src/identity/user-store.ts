import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import type { User } from './user.ts';

export interface UserWithPassword extends User {
  readonly passwordHash: string;
}

interface UserRow {
  id: UserId;
  email: string;
  name: string;
  role: User['role'];
  password_hash: string;
}

const toUser = (row: UserRow): UserWithPassword => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  passwordHash: row.password_hash,
});

export async function findUserByEmail(db: Queryable, email: string): Promise<UserWithPassword | null> {
  const { rows } = await db.query<UserRow>(
    `select id, email, name, role, password_hash
     from users
     where email = $1`,
    [email],
  );
  return rows[0] ? toUser(rows[0]) : null;
}

export async function findUserById(db: Queryable, id: UserId): Promise<UserWithPassword | null> {
  const { rows } = await db.query<UserRow>(
    `select id, email, name, role, password_hash
     from users
     where id = $1`,
    [id],
  );
  return rows[0] ? toUser(rows[0]) : null;
}

/** False when the address has an account. The transaction goes on: nothing is raised. */
export async function insertUser(tx: Tx, user: UserWithPassword): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into users (id, email, name, role, password_hash)
     values ($1, $2, $3, $4, $5)
     on conflict on constraint users_email_is_unique do nothing`,
    [user.id, user.email, user.name, user.role, user.passwordHash],
  );
  return rowCount === 1;
}

export async function setRoleAndPassword(tx: Tx, user: UserWithPassword): Promise<void> {
  await tx.query(
    `update users
     set role = $2, password_hash = $3, updated_at = clock.app_now()
     where id = $1`,
    [user.id, user.role, user.passwordHash],
  );
}
