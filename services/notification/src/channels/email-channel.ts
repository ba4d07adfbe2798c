import { assertNoOpenTransaction } from '@holdfast/shared/db/transaction';
import { currentSecret, type Secrets } from '@holdfast/shared/secrets/secret-ring';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import nodemailer, { type SMTPSentMessageInfo } from 'nodemailer';
import { renderAccountMail } from '../templates/account-mail.ts';
import { renderMail } from '../templates/render-mail.ts';
import type { Channel, OutboundMessage, SendOutcome } from './channel.ts';

export interface EmailChannelOptions {
  readonly smtpUrl: Secrets;
  /** `Name <mailbox@domain>` */
  readonly from: string;
  /** Start of the links in the text. */
  readonly publicUrl: string;
  /** Opens what the gateway sealed for a mail. */
  readonly sealer: Sealer;
}

/** A check opens a connection of its own, so answers of this age are given again. */
const CHECK_MAX_AGE_MS = 5_000;

/** Mail over SMTP. Connections are kept open; every wait is bounded. */
export function createEmailChannel(options: EmailChannelOptions): Channel {
  const connect = (url: string) =>
    nodemailer.createTransport({
      url,
      pool: true,
      maxConnections: 8,
      // The delivery row decides about another attempt. The pool's own would send again what a dying connection may have delivered.
      maxRequeues: 0,
      dnsTimeout: 5_000,
      connectionTimeout: 5_000,
      greetingTimeout: 5_000,
      socketTimeout: 15_000,
      // A message is made of what we render; nothing in it names a file or an address to fetch.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  let current: { url: string; transport: ReturnType<typeof connect> } | null = null;
  /** With the address and password of the moment; what is being sent over the former ones ends there. */
  const transport = () => {
    const url = currentSecret(options.smtpUrl);
    if (current?.url !== url) {
      current?.transport.close();
      current = { url, transport: connect(url) };
    }
    return current.transport;
  };
  const domain = /@([^>]+)>$/.exec(options.from)?.[1] ?? 'localhost';
  let lastCheck: { at: number; result: Promise<string> } | null = null;

  return {
    name: 'email',

    async send(message: OutboundMessage): Promise<SendOutcome> {
      assertNoOpenTransaction('SMTP');
      const { notice } = message;
      if (!('booking' in notice || 'account' in notice)) throw new Error('no mail at the channel of mails');
      const contact = 'booking' in notice ? notice.booking.contact : notice.account.contact;
      const rendering = { publicUrl: options.publicUrl, stamp: message.createdAt };
      const mail =
        'booking' in notice
          ? await renderMail(notice, rendering)
          : renderAccountMail(notice, { ...rendering, sealer: options.sealer });
      if (mail === null)
        return { outcome: 'refused', reason: 'the token in it was sealed under a secret that is gone' };
      try {
        const sent: SMTPSentMessageInfo = await transport().sendMail({
          from: options.from,
          to: { address: message.recipient, name: contact.name },
          date: message.createdAt,
          // The same at every attempt: after a crash between send and commit, the receiver can tell the second copy.
          messageId: `<${message.id}@${domain}>`,
          headers: {
            'Auto-Submitted': 'auto-generated',
            ...('booking' in notice ? { 'X-Holdfast-Booking': notice.booking.booking_id } : {}),
            'X-Holdfast-Notice': notice.kind,
          },
          subject: mail.subject,
          text: mail.text,
          ...(mail.html === null ? {} : { html: mail.html }),
          attachments: [...mail.attachments],
        });
        return { outcome: 'accepted', providerMessageId: sent.messageId };
      } catch (error) {
        if (isRefusal(error)) return { outcome: 'refused', reason: (error as Error).message };
        throw error;
      }
    },

    check(): Promise<string> {
      if (!lastCheck || Date.now() - lastCheck.at > CHECK_MAX_AGE_MS) {
        const result = transport()
          .verify()
          .then(() => 'mail server answers');
        // Whoever asks gets the error; a check that nobody waits for any more must not end the process.
        result.catch(() => undefined);
        lastCheck = { at: Date.now(), result };
      }
      return lastCheck.result;
    },

    close: () => current?.transport.close(),
  };
}

/**
 * Whether the server refused this message or its recipient with a 5xx, or the address cannot even be put into an envelope. A 5xx at
 * greeting or sign-in is about us, not about the message, and a person will set it right: that is no refusal.
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  if (error.code !== 'EENVELOPE' && error.code !== 'EMESSAGE') return false;
  const status = 'responseCode' in error ? Number(error.responseCode) : null;
  return status === null ? error.code === 'EENVELOPE' : status >= 500 && status <= 599;
}
