import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { Role } from '@holdfast/shared/http/internal-assertion';
import type { RequestId, UserId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { accessDeadAtMs } from './access-tokens.ts';
import { recordAudit } from './record-audit.ts';
import type { RoleChanges } from './role-changes.ts';
import type { Account, User } from './user.ts';
import { findUserById, lockAdmins, setRole } from './user-store.ts';

/**
 * Gives a user another role. Every gateway knows of it within two seconds, whatever the user's access tokens say. The role that the
 * user has already is no change. @throws Problem `not_found`, or `last_admin` when nobody would be left to give roles.
 */
export async function changeRole(
  deps: { pool: Pool; roleChanges: RoleChanges },
  change: { userId: UserId; role: Role; actor: User; requestId: RequestId },
): Promise<Account> {
  const differsUntilMs = accessDeadAtMs();
  const user = await withTransaction(deps.pool, async (tx) => {
    // Two administrators who demote each other at the same moment wait for each other here.
    const admins = await lockAdmins(tx);
    const found = await findUserById(tx, change.userId);
    if (!found) throw new Problem('not_found');
    if (found.role === change.role) return found;
    if (found.role === 'admin' && admins.length === 1) throw new Problem('last_admin');
    if (!(await setRole(tx, found.id, found.role, change.role, differsUntilMs))) throw new Problem('conflict');
    const changed = { ...found, role: change.role };
    await recordAudit(tx, {
      actor: change.actor,
      requestId: change.requestId,
      action: 'change_role',
      entity: { kind: 'user', id: found.id },
      before: { id: found.id, object: 'user', role: found.role },
      after: { id: found.id, object: 'user', role: change.role },
    });
    return changed;
  });
  deps.roleChanges.add(user.id, user.role, differsUntilMs);
  return user;
}
