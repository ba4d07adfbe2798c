import { z } from 'zod';
import { instant } from './common.ts';

/** E.164: a plus sign, the country and the number, 8 to 15 digits. */
export const phoneNumber = z
  .string()
  .regex(/^\+[1-9]\d{7,14}$/, 'must be an international number without spaces, e.g. +4915112345678');

export const registerPhoneBody = z.strictObject({ phone: phoneNumber }).meta({ id: 'RegisterPhone' });

export const verifyPhoneBody = z
  .strictObject({ code: z.string().regex(/^\d{6}$/, 'must be the six digits of the text message') })
  .meta({ id: 'VerifyPhone' });

export const phone = z
  .object({
    object: z.literal('phone'),
    phone: phoneNumber,
    verified: z
      .boolean()
      .meta({ description: 'whether the code was sent back; text messages go to verified numbers alone' }),
    code_expires_at: instant.nullable().meta({ description: 'until when the code that was sent last can be used' }),
    created_at: instant,
  })
  .meta({ id: 'Phone' });

export type PhoneJson = z.output<typeof phone>;
