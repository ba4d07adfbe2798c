import { Problem } from '@holdfast/shared/problems';
import { isCommonPassword } from './common-passwords.ts';

/** Refuses a new password that is easily guessed; its length was checked before. @throws Problem `validation_failed` at /password. */
export function checkNewPassword(password: string, email: string): void {
  const text = password.toLowerCase();
  const isAddress = text === email || text === email.slice(0, email.lastIndexOf('@'));
  if (!isAddress && !isCommonPassword(password)) return;
  throw new Problem('validation_failed', {
    errors: [
      {
        pointer: '/password',
        code: 'common_password',
        message: 'this is among the first passwords that are tried; use several words that do not belong together',
      },
    ],
  });
}
