import { randomUUID } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { serveLoad } from './child.ts';
import { SampleTaker, type Sample } from './sample.ts';

export interface CheckoutLoadJob {
  readonly port: number;
  /** Checkouts under way at most. */
  readonly clients: number;
  /** Checkouts begun a second, whether those before have ended or not; null begins one when one ends. */
  readonly perSecond: number | null;
  readonly rampSeconds: number;
  readonly seconds: number;
  readonly eventIds: readonly string[];
  /** Each checkout of one event takes the best seat that is free. */
  readonly tokens: readonly string[];
  readonly pids: Readonly<Record<string, number>>;
}

interface Reply {
  readonly status: number;
  readonly body: { readonly id?: string; readonly status?: string; readonly code?: string };
}

const LONGEST_MS = 20_000;

/** Hold, pay, and wait for CONFIRMED: the whole of it counts, as the customer sees it. */
async function run(job: CheckoutLoadJob): Promise<Sample> {
  const agent = new Agent({ keepAlive: true, maxSockets: job.clients });
  const taker = new SampleTaker((outcome) => outcome === 'CONFIRMED', job.pids);
  const keys = randomUUID();
  let n = 0;
  let running = 0;
  const one = async () => {
    const mine = n++;
    running += 1;
    const startedAt = performance.now();
    const outcome = await checkout(mine).catch((error: NodeJS.ErrnoException) => error.code ?? 'error');
    taker.add(outcome, startedAt, performance.now());
    running -= 1;
  };

  async function checkout(mine: number): Promise<string> {
    const token = job.tokens[mine % job.tokens.length]!;
    const event = job.eventIds[mine % job.eventIds.length]!;
    const held = await post('/v1/bookings', token, `${keys}-${mine}-h`, { event_id: event, quantity: 1 });
    if (held.status !== 201) return `hold ${held.status}`;
    const deadline = performance.now() + LONGEST_MS;
    for (;;) {
      const paid = await post(`/v1/bookings/${held.body.id}/pay`, token, `${keys}-${mine}-p`, {
        payment_method: 'pm_card_visa',
      });
      if (paid.status === 200) return paid.body.status ?? 'unknown';
      if (paid.status !== 202 || performance.now() > deadline) return `pay ${paid.status}`;
    }
  }

  function post(path: string, token: string, key: string, body: object): Promise<Reply> {
    const payload = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          ...{ agent, host: '127.0.0.1', port: job.port, path, method: 'POST' },
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(payload),
            'idempotency-key': key,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: response.statusCode ?? 0, body: text === '' ? {} : (JSON.parse(text) as Reply['body']) });
          });
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(payload);
    });
  }

  const to = taker.open(job.rampSeconds, job.seconds);
  if (job.perSecond === null) {
    const loop = async () => {
      while (performance.now() < to) await one();
    };
    await Promise.all(Array.from({ length: job.clients }, loop));
  } else {
    await atRate(job.perSecond, to, () => {
      // A system that does not keep up shows in the latency of those that run; beyond that it is an outcome of its own.
      if (running < job.clients) void one();
      else taker.add('not begun', performance.now(), performance.now());
    });
    while (running > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  agent.destroy();
  return taker.take();
}

async function atRate(perSecond: number, to: number, begin: () => void): Promise<void> {
  const startedAt = performance.now();
  for (let begun = 0; ; begun += 1) {
    const due = startedAt + (begun * 1000) / perSecond;
    if (due >= to) return;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    begin();
  }
}

serveLoad(run);
