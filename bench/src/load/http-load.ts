import { serveLoad } from './child.ts';
import { HttpClient } from './http-client.ts';
import { SampleTaker, type Sample } from './sample.ts';

export interface HttpLoadJob {
  readonly port: number;
  readonly clients: number;
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

/** A closed loop: each client sends its next request when the last one is answered. */
async function run(job: HttpLoadJob): Promise<Sample> {
  const { createRequests } = (await import(job.requests)) as { createRequests: (params: unknown) => Requests };
  const requests = createRequests(job.params);
  const clients = Array.from({ length: job.clients }, () => new HttpClient(job.port));
  await sendAll(clients, requests.before);

  const taker = new SampleTaker((outcome) => requests.isSuccess(outcome), job.pids);
  const to = taker.open(job.rampSeconds, job.seconds);
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          const step = () => {
            const startedAt = performance.now();
            if (startedAt >= to) return resolve();
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

function sendAll(clients: readonly HttpClient[], requests: readonly string[]): Promise<unknown> {
  let next = 0;
  return Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          const step = () => {
            const request = requests[next++];
            if (request === undefined) return resolve();
            client.send(request, (outcome) => {
              if (outcome.startsWith('2')) step();
              else reject(new Error(`a request before the measurement was answered ${outcome}`));
            });
          };
          step();
        }),
    ),
  );
}

serveLoad(run);
