import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface SunkMail {
  readonly recipients: readonly string[];
  readonly mail: Email;
  readonly raw: string;
}

export interface SmtpSink {
  readonly url: string;
  /** Mails that were accepted, oldest first. */
  readonly accepted: readonly SunkMail[];
  /** Mails that were refused after their data, e.g. with a 451. */
  readonly refused: readonly SunkMail[];
  /** Status with which mails to a recipient are answered from now on; null accepts them again. 55x is said at RCPT, else after DATA. */
  answer(recipient: string, status: number | null): void;
  /** Resolves when `count` mails were accepted for the recipient. */
  untilAccepted(recipient: string, count?: number): Promise<SunkMail[]>;
  untilRefused(recipient: string, count?: number): Promise<SunkMail[]>;
  stop(): Promise<void>;
}

/** An SMTP server that keeps what it gets, for tests. */
export async function startSmtpSink(port = 0): Promise<SmtpSink> {
  const accepted: SunkMail[] = [];
  const refused: SunkMail[] = [];
  const answers = new Map<string, number>();
  const waiters = new Set<() => void>();
  const refusal = (status: number) => Object.assign(new Error(`refused with ${status}`), { responseCode: status });

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    // Senders keep their connections open; a stop must not wait for them.
    closeTimeout: 50,
    onRcptTo(address, _session, callback) {
      const status = answers.get(address.address);
      callback(status !== undefined && status >= 550 ? refusal(status) : null);
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks);
        const recipients = session.envelope.rcptTo.map((address) => address.address);
        const status = recipients.map((recipient) => answers.get(recipient)).find((found) => found !== undefined);
        void PostalMime.parse(raw).then((mail) => {
          (status === undefined ? accepted : refused).push({ recipients, mail, raw: raw.toString() });
          callback(status === undefined ? null : refusal(status));
          for (const wake of [...waiters]) wake();
        });
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;

  const until = (mails: readonly SunkMail[], recipient: string, count: number) =>
    new Promise<SunkMail[]>((resolve) => {
      const look = () => {
        const found = mails.filter((mail) => mail.recipients.includes(recipient));
        if (found.length < count) return;
        waiters.delete(look);
        resolve(found);
      };
      waiters.add(look);
      look();
    });

  return {
    url: `smtp://127.0.0.1:${bound}`,
    accepted,
    refused,
    answer: (recipient, status) => void (status === null ? answers.delete(recipient) : answers.set(recipient, status)),
    untilAccepted: (recipient, count = 1) => until(accepted, recipient, count),
    untilRefused: (recipient, count = 1) => until(refused, recipient, count),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
