import { Problem } from '@holdfast/shared/problems';
import { isCommonPassword } from './common-passwords.ts';

/** Among the first passwords that are tried for this address, `email` in lower case. */
export function isEasilyGuessed(password: string, email: string): boolean {
  const text = password.toLowerCase();
  return text === email || text === email.slice(0, email.lastIndexOf('@')) || isCommonPassword(password);
}

/** Refuses a new password that is easily guessed; its length was checked before. @throws Problem `validation_failed` at /password. */
export function checkNewPassword(password: string, email: string): void {
  if (!isEasilyGuessed(password, email)) return;
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
