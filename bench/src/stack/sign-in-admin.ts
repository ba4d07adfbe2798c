import { apiClient, type ApiClient } from '@holdfast/launcher/src/first-bookings/api-client.ts';
import type { BenchStack } from './bench-stack.ts';

/** A client of the stack's administrator, for what a bench needs of the catalogue. */
export async function signInAdmin(stack: Pick<BenchStack, 'addresses' | 'adminLogin'>): Promise<ApiClient> {
  const { gateway } = stack.addresses;
  const session = await apiClient(gateway).post<{ access_token: string }>('/v1/auth/login', stack.adminLogin);
  return apiClient(gateway, session.access_token);
}
