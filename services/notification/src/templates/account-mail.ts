import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import type { AccountNotice } from '../deliveries/delivery.ts';
import { htmlOfText } from './html-of-text.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { singleLine } from './single-line.ts';

interface AccountRenderOptions extends RenderOptions {
  readonly sealer: Sealer;
}

/**
 * The mail for a notice about an account: short, as text and as HTML. The token stands behind the `#` of its link, which a browser sends to no
 * server, so it reaches no access log. Null when the token can no longer be read: such a mail would help nobody.
 */
export function renderAccountMail(notice: AccountNotice, options: AccountRenderOptions): Mail | null {
  const { publicUrl, sealer } = options;
  switch (notice.kind) {
    case 'verify_email': {
      const token = sealer.unseal(notice.account.sealed_token);
      if (token === null) return null;
      return letter(notice, publicUrl, 'Please confirm your email address', [
        'please confirm that this is your email address:',
        '',
        `${publicUrl}/account/verify-email#${token}`,
        '',
        `The link works once, until ${readable(notice.account.expires_at)}. If you did not sign up, do nothing.`,
      ]);
    }
    case 'reset_password': {
      const token = sealer.unseal(notice.account.sealed_token);
      if (token === null) return null;
      return letter(notice, publicUrl, 'Choose a new password', [
        'somebody, hopefully you, forgot the password of this account. Choose a new one here:',
        '',
        `${publicUrl}/account/reset-password#${token}`,
        '',
        `The link works once, until ${readable(notice.account.expires_at)}. If it was not you, do nothing: your password stays.`,
      ]);
    }
    case 'password_changed':
      return letter(notice, publicUrl, 'Your password was changed', [
        'the password of your account was changed, and you were signed out everywhere.',
        '',
        `If it was not you, choose a new password: ${publicUrl}/account/reset-password`,
      ]);
  }
}

function letter(notice: AccountNotice, publicUrl: string, subject: string, lines: readonly string[]): Mail {
  const text = [`Hello ${singleLine(notice.account.contact.name)},`, '', ...lines, ''].join('\n');
  return { subject, text, html: htmlOfText(text, { title: subject, publicUrl }), attachments: [] };
}

/** `2027-01-04 18:00 UTC`: whoever reads it may be anywhere. */
function readable(instant: string): string {
  return `${instant.slice(0, 16).replace('T', ' ')} UTC`;
}
