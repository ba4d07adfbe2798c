import { createServer } from 'node:http';
import { until } from '@holdfast/shared/testing/until';

export interface SmsProvider {
  /** Value of `HOLDFAST_SMS_URL`. */
  readonly url: string;
  /** Waits for a text message to the number that matches, and gives the match. */
  untilText(to: string, pattern: RegExp): Promise<RegExpMatchArray>;
  stop(): Promise<void>;
}

/** An HTTP API that takes text messages and keeps them. */
export async function startSmsProvider(): Promise<SmsProvider> {
  const kept: { to: string; text: string }[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      kept.push(JSON.parse(body) as { to: string; text: string });
      res.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"sms_1"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/messages`,
    untilText: (to, pattern) =>
      until('the text message', () =>
        Promise.resolve(kept.flatMap((each) => (each.to === to ? (pattern.exec(each.text) ?? []) : []))).then(
          (found) => (found.length > 0 ? (found as RegExpMatchArray) : null),
        ),
      ),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
