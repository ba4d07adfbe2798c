import { z } from 'zod';
import { humanText, id } from './common.ts';

export const email = z
  .string()
  .trim()
  .max(254)
  .pipe(z.email('must be an email address'))
  .transform((value) => value.toLowerCase());

/** Passwords are not trimmed; 8 characters are the minimum, 128 the longest that we hash. */
export const password = z.string().min(8).max(128);

export const registerBody = z.strictObject({ email, password, name: humanText(1, 100) }).meta({ id: 'Register' });
export const loginBody = z.strictObject({ email, password: z.string().min(1).max(128) }).meta({ id: 'Login' });
export const refreshBody = z.strictObject({ refresh_token: z.string().min(1).max(512) }).meta({ id: 'Refresh' });

export const user = z
  .object({
    id: id('usr'),
    email: z.string(),
    name: z.string(),
    role: z.enum(['customer', 'operator', 'admin']),
  })
  .meta({ id: 'User' });

export const session = z
  .object({
    user,
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.number().int().meta({ description: 'seconds' }),
    refresh_token: z.string(),
  })
  .meta({ id: 'Session' });
