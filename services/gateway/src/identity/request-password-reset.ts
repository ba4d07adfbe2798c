import type { Pool } from '@holdfast/shared/db/pool';
import type { RequestId } from '@holdfast/shared/ids';
import { insertResetRequest } from './reset-request-store.ts';

/**
 * Takes in that somebody forgot the password of an address. Whether there is such an account is not even looked up here, so neither the
 * answer nor its time can tell; `ResetMailer` looks afterwards. Asking again before it did changes nothing.
 */
export async function requestPasswordReset(
  deps: { pool: Pool; nudgeMailer: () => void },
  email: string,
  requestId: RequestId,
): Promise<void> {
  await insertResetRequest(deps.pool, email, requestId);
  deps.nudgeMailer();
}
