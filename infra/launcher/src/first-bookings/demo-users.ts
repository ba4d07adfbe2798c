import { ApiError, apiClient, type ApiClient } from './api-client.ts';

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** The customers of the demonstration; all have the password of the data folder's secrets. */
export const DEMO_CUSTOMERS = [
  { email: 'asha@holdfast.example', name: 'Asha Rao' },
  { email: 'ben@holdfast.example', name: 'Ben Okafor' },
  { email: 'chloe@holdfast.example', name: 'Chloé Martin' },
] as const;

interface Session {
  readonly access_token: string;
}

/** Signs in. @throws ApiError 401 when the password is not the account's. */
export async function signIn(gatewayUrl: string, who: Credentials): Promise<ApiClient> {
  const session = await apiClient(gatewayUrl).post<Session>('/v1/auth/login', who);
  return apiClient(gatewayUrl, session.access_token);
}

/** Signs in, or registers at the first start with this database. */
export async function signInOrRegister(
  gatewayUrl: string,
  who: Credentials & { readonly name: string },
): Promise<ApiClient> {
  try {
    return await signIn(gatewayUrl, { email: who.email, password: who.password });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  }
  const session = await apiClient(gatewayUrl).post<Session>('/v1/auth/register', who);
  return apiClient(gatewayUrl, session.access_token);
}
