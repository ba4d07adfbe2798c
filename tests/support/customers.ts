import { randomUUID } from 'node:crypto';
import { createApiClient, type ApiClient } from './api-client.ts';
import type { Stack } from './stack.ts';

/** Somebody who is signed in at the gateway. */
export interface Customer {
  readonly id: string;
  readonly email: string;
  readonly api: ApiClient;
}

interface Session {
  readonly user: { readonly id: string; readonly email: string };
  readonly access_token: string;
}

/** Everybody's. */
export const PASSWORD = 'correct horse battery';

/** Registers a new customer over the public API. */
export async function signUp(stack: Stack, name = 'Ada Lovelace'): Promise<Customer> {
  const email = `customer-${randomUUID().slice(0, 8)}@holdfast.test`;
  return signedIn(stack, '/v1/auth/register', 201, { email, password: PASSWORD, name });
}

/** Signs in the administrator whom the environment names. */
export function signInAdmin(stack: Stack): Promise<Customer> {
  return signedIn(stack, '/v1/auth/login', 200, stack.admin);
}

async function signedIn(stack: Stack, path: string, expected: number, body: object): Promise<Customer> {
  const url = stack.url('gateway');
  const answer = await createApiClient(url).post<Session>(path, body, { key: null });
  if (answer.status !== expected) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  const { user, access_token: token } = answer.body;
  return { id: user.id, email: user.email, api: createApiClient(url, () => ({ authorization: `Bearer ${token}` })) };
}
