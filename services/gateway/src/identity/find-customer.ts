import type { Pool } from '@holdfast/shared/db/pool';
import type { Customer } from '@holdfast/shared/http/internal-assertion';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { User } from './user.ts';
import { findUserById } from './user-store.ts';

/**
 * The customer for whom an operator acts, as the account is now: contact and name are the gateway's word, never the request's.
 * @throws Problem `forbidden` for whoever is no operator, `validation_failed` for an id that is nobody's.
 */
export async function findCustomer(deps: { pool: Pool }, actor: User, customerId: unknown): Promise<Customer> {
  if (actor.role === 'customer') throw new Problem('forbidden', { detail: 'only operators act for a customer' });
  const user = isId('usr', customerId) ? await findUserById(deps.pool, customerId) : null;
  if (!user) {
    throw new Problem('validation_failed', {
      errors: [{ pointer: '/customer_id', code: 'unknown_customer', message: 'there is no such user' }],
    });
  }
  return { userId: user.id, email: user.email, name: user.name };
}
