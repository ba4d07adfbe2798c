import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import express from 'express';
import type { Config } from './config.ts';
import { inboxPages } from './inbox-pages.ts';
import { Mailbox } from './mailbox.ts';
import { messagesApi } from './messages-api.ts';
import { smtpSink } from './smtp.ts';

export interface MailCatcher {
  readonly http_port: number;
  readonly smtp_port: number;
  /** Closes both servers. May be called twice. */
  stop(): Promise<void>;
}

/** Listens for mail and for readers. @throws Error when a port is taken, naming the variable that moves it. */
export async function startMailCatcher(
  config: Config,
  overrides: { mailbox?: Mailbox; onSmtpError?: (error: Error) => void } = {},
): Promise<MailCatcher> {
  const mailbox = overrides.mailbox ?? new Mailbox();
  const smtp = smtpSink(mailbox, overrides.onSmtpError ?? (() => undefined));
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.get(['/livez', '/readyz'], (_request, response) => void response.json({ status: 'ok' }));
  app.use(messagesApi(mailbox));
  app.use(inboxPages(mailbox));
  const http = createServer(app);

  const stopSmtp = (): Promise<void> => new Promise((resolve) => smtp.close(() => resolve()));
  const smtp_port = await listen(smtp.server, config.host, config.smtp_port, 'HOLDFAST_SMTP_PORT');
  const http_port = await listen(http, config.host, config.http_port, 'HOLDFAST_MAIL_PORT').catch(async (error) => {
    await stopSmtp();
    throw error;
  });

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    http.closeAllConnections();
    await Promise.all([closed, stopSmtp()]);
  };
  return { http_port, smtp_port, stop: () => (stopped ??= stop()) };
}

async function listen(server: Server, host: string, port: number, variable: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  }).catch((cause: unknown) => {
    throw new Error(`cannot listen on ${host}:${port}; set ${variable} to a free port`, { cause });
  });
  return (server.address() as AddressInfo).port;
}
