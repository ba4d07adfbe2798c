import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { accessDeadAtMs } from './access-tokens.ts';
import type { PasswordHasher } from './password.ts';
import { revokeSessions } from './session-store.ts';
import { findUserByEmail, insertUser, setRoleAndPassword } from './user-store.ts';

/**
 * Makes sure that the configured administrator exists and can sign in with the configured password. The environment is the
 * operator's word: an account of that address becomes admin, and a password that differs is replaced and ends its sessions.
 */
export async function ensureAdmin(
  deps: { pool: Pool; hasher: PasswordHasher },
  admin: { email: string; password: string },
): Promise<'created' | 'changed' | 'unchanged'> {
  const found = await findUserByEmail(deps.pool, admin.email);
  if (!found) {
    const passwordHash = await deps.hasher.hash(admin.password);
    const user = { id: newId('usr'), email: admin.email, name: 'Administrator', role: 'admin' as const };
    if (await withTransaction(deps.pool, (tx) => insertUser(tx, user, passwordHash))) return 'created';
    // Another gateway was faster; its row is looked at like any other.
    return ensureAdmin(deps, admin);
  }
  const fits = await deps.hasher.verify(admin.password, found.passwordHash);
  if (fits && found.role === 'admin') return 'unchanged';
  const deadAtMs = accessDeadAtMs();
  const passwordHash = fits ? found.passwordHash : await deps.hasher.hash(admin.password);
  await withTransaction(deps.pool, async (tx) => {
    await setRoleAndPassword(tx, { ...found, role: 'admin', passwordHash }, deadAtMs);
    if (!fits) await revokeSessions(tx, { userId: found.id }, 'password_changed', deadAtMs);
  });
  return 'changed';
}
