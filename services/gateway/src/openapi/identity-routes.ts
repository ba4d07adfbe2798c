import { loginBody, refreshBody, registerBody, session, user } from '@holdfast/shared/contracts/identity';
import { z } from 'zod';
import type { ApiRoute } from './route.ts';

const signedIn = { schema: session, description: 'The user with a new pair of tokens' };
const auth = { tag: 'Identity', target: 'gateway' } as const;

export const IDENTITY_ROUTES: readonly ApiRoute[] = [
  {
    ...auth,
    method: 'post',
    path: '/v1/auth/register',
    operationId: 'register',
    summary: 'Make an account and sign in',
    access: 'public',
    body: registerBody,
    answers: { 201: signedIn },
    problems: ['email_taken'],
  },
  {
    ...auth,
    method: 'post',
    path: '/v1/auth/login',
    operationId: 'login',
    summary: 'Sign in with email and password',
    access: 'public',
    body: loginBody,
    answers: { 200: signedIn },
    problems: ['invalid_credentials'],
  },
  {
    ...auth,
    method: 'post',
    path: '/v1/auth/refresh',
    operationId: 'refresh',
    summary: 'Exchange a refresh token for a new pair; the old one is used up',
    access: 'public',
    body: refreshBody,
    answers: { 200: signedIn },
    problems: ['refresh_invalid', 'refresh_reused'],
  },
  {
    ...auth,
    method: 'post',
    path: '/v1/auth/logout',
    operationId: 'logout',
    summary: 'End the session of a refresh token',
    access: 'public',
    body: refreshBody,
    answers: { 204: { description: 'The session is over, or there was none' } },
    problems: [],
  },
  {
    ...auth,
    method: 'post',
    path: '/v1/auth/logout-all',
    operationId: 'logoutAll',
    summary: 'End all sessions of the signed-in user',
    access: 'user',
    answers: { 204: { description: 'All sessions are over' } },
    problems: [],
  },
  {
    ...auth,
    method: 'get',
    path: '/v1/auth/me',
    operationId: 'me',
    summary: 'The signed-in user',
    access: 'user',
    answers: { 200: { description: 'The user', schema: z.object({ user }) } },
    problems: [],
  },
  {
    ...auth,
    method: 'get',
    path: '/.well-known/jwks.json',
    operationId: 'jwks',
    summary: 'Public keys of the access tokens, current and previous',
    access: 'public',
    answers: {
      200: {
        description: 'A JSON Web Key Set',
        schema: z.object({ keys: z.array(z.record(z.string(), z.string())) }),
      },
    },
    problems: [],
  },
];
