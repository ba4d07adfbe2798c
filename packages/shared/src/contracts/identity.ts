import { z } from 'zod';
import { humanText, id, instant } from './common.ts';

export const email = z
  .string()
  .trim()
  .max(254)
  .pipe(z.email('must be an email address'))
  .transform((value) => value.toLowerCase());

/** Passwords are not trimmed. Shorter ones can be guessed, longer ones are not hashed. */
export const password = z.string().min(12).max(128);

/** A role that a user may have. */
export const role = z.enum(['customer', 'operator', 'admin']);

export const registerBody = z.strictObject({ email, password, name: humanText(1, 100) }).meta({ id: 'Register' });
export const loginBody = z.strictObject({ email, password: z.string().min(1).max(128) }).meta({ id: 'Login' });
/** Without a token in the body the one of the session cookie is meant. */
export const refreshBody = z
  .strictObject({ refresh_token: z.string().min(1).max(512).optional() })
  .meta({ id: 'Refresh' });

/** A token that came by mail. */
const mailedToken = z.string().min(1).max(128);
export const verifyEmailBody = z.strictObject({ token: mailedToken }).meta({ id: 'VerifyEmail' });
export const forgotPasswordBody = z.strictObject({ email }).meta({ id: 'ForgotPassword' });
export const resetPasswordBody = z.strictObject({ token: mailedToken, password }).meta({ id: 'ResetPassword' });

/** Operators find a customer by the exact address. */
export const userListQuery = z.strictObject({ email });

export const changeRoleBody = z.strictObject({ role }).meta({ id: 'ChangeRole' });
export const rotateSigningKeyBody = z.strictObject({}).meta({ id: 'RotateSigningKey' });

export const user = z
  .object({
    id: id('usr'),
    email: z.string(),
    name: z.string(),
    role,
    email_verified: z.boolean().meta({ description: 'whether the token of the verification mail was sent back' }),
  })
  .meta({ id: 'User' });

export const session = z
  .object({
    user,
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.number().int().meta({ description: 'seconds' }),
    refresh_token: z
      .string()
      .optional()
      .meta({ description: 'absent with `Prefer: session=cookie`: it is in the cookie then' }),
    csrf_token: z
      .string()
      .optional()
      .meta({ description: 'with `Prefer: session=cookie` only: what the header `X-CSRF-Token` must say' }),
  })
  .meta({ id: 'Session' });

/** One sign-in of the caller, as the list of sessions shows it. */
export const signIn = z
  .object({
    id: id('ses'),
    object: z.literal('session'),
    device: z.string().nullable().meta({ description: 'User-Agent of its last use' }),
    address: z.string().nullable().meta({ description: 'where it was used last' }),
    current: z.boolean().meta({ description: 'whether this request belongs to it' }),
    created_at: instant,
    last_used_at: instant.meta({ description: 'when it was signed in or refreshed last' }),
    expires_at: instant,
  })
  .meta({ id: 'SignIn' });

export const signingKey = z
  .object({ kid: z.string(), object: z.literal('signing_key'), signs_from: instant })
  .meta({ id: 'SigningKey' });
