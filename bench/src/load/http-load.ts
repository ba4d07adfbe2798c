import { serveLoad } from './child.ts';
import { HttpClient } from './http-client.ts';
import { sendAll } from './send-all.ts';
import { SampleTaker, type Sample } from './sample.ts';

export interface HttpLoadJob {
  readonly port: number;
  readonly clients: number;
  /** Requests of all clients together; without it each client sends as soon as it was answered. */
  readonly perSecond?: number;
  /** Load before the window, not counted: connections, caches and compiled code settle. */
  readonly rampSeconds: number;
  readonly seconds: number;
  /** URL of a module that exports `createRequests(params)`. */
  readonly requests: string;
  readonly params: unknown;
  readonly pids: Readonly<Record<string, number>>;
}

/** What such a module gives: complete HTTP requests. */
export interface Requests {
  /** Sent once each before the ramp, and not counted. */
  readonly before: readonly string[];
  /** The next request. @throws when there is none left: a bench must bring enough. */
  next(): string;
  /** Which statuses count. */
  isSuccess(outcome: string): boolean;
}

/**
 * Each client sends its next request when the last one is answered, or, at a given rate, when the time of that request has come. The
 * latency counts from that time even when no client was free: what waits here waited for the system.
 */
async function run(job: HttpLoadJob): Promise<Sample> {
  const { createRequests } = (await import(job.requests)) as { createRequests: (params: unknown) => Requests };
  const requests = createRequests(job.params);
  const clients = Array.from({ length: job.clients }, () => new HttpClient(job.port));
  await sendAll(clients, requests.before);

  const taker = new SampleTaker((outcome) => requests.isSuccess(outcome), job.pids);
  const to = taker.open(job.rampSeconds, job.seconds);
  const slots = slotsFrom(performance.now(), job.perSecond);
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          const step = () => {
            const startedAt = slots();
            if (startedAt >= to) return resolve();
            const earlyMs = startedAt - performance.now();
            if (earlyMs > 0) setTimeout(send, earlyMs, startedAt);
            else send(startedAt);
          };
          const send = (startedAt: number) => {
            let request: string;
            try {
              request = requests.next();
            } catch (error) {
              return reject(error instanceof Error ? error : new Error(String(error)));
            }
            client.send(request, (outcome) => {
              taker.add(outcome, startedAt, performance.now());
              // A connection that was refused is tried again later, or the loop would spin on errors.
              if (/^\d/.test(outcome)) step();
              else setTimeout(step, 100);
            });
          };
          step();
        }),
    ),
  );
  for (const client of clients) client.close();
  return taker.take();
}

/** When the next request is to be sent, by `performance.now()`. */
function slotsFrom(start: number, perSecond: number | undefined): () => number {
  let n = 0;
  return () => (perSecond === undefined ? performance.now() : start + (n++ * 1_000) / perSecond);
}

serveLoad(run);
