import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Mailbox } from './mailbox.ts';

/** Bytes of one message. */
const MAX_MESSAGE = 5 * 1024 * 1024;

/** Takes every message for every recipient, without a password: it only ever listens on this machine. */
export function smtpSink(mailbox: Mailbox, onError: (error: Error) => void): SMTPServer {
  const server = new SMTPServer({
    banner: 'Holdfast mail catcher',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAX_MESSAGE,
    closeTimeout: 1000,
    onData: (stream, session, callback) => {
      receive(mailbox, stream, session).then(
        () => callback(),
        (error: Error) => callback(error),
      );
    },
  });
  // A client that hangs up in the middle ends here; without a listener it would end the process.
  server.on('error', onError);
  return server;
}

async function receive(mailbox: Mailbox, stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    // Read on to the end, or the dialogue stalls; but do not keep what will be refused.
    if (size <= MAX_MESSAGE) chunks.push(chunk);
  }
  if (size > MAX_MESSAGE) {
    throw Object.assign(new Error(`message is larger than ${MAX_MESSAGE} bytes`), { responseCode: 552 });
  }
  const { mailFrom, rcptTo } = session.envelope;
  await mailbox.receive(Buffer.concat(chunks), {
    from: mailFrom === false ? '' : mailFrom.address,
    to: rcptTo.map((recipient) => recipient.address),
  });
}
