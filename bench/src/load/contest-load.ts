import { serveLoad } from './child.ts';
import { cpuTimes, perOperation } from './cpu-time.ts';
import { HttpClient } from './http-client.ts';
import type { Requests } from './http-load.ts';
import { toSample, type Sample } from './sample.ts';
import { sendAll } from './send-all.ts';

/** A given number of requests for what is not enough for all of them. */
export interface ContestJob {
  readonly port: number;
  readonly clients: number;
  /** Requests of all clients together. */
  readonly total: number;
  /** How many of them should succeed; the next answer after that many is the first of the losers' time. */
  readonly winners: number;
  /** URL of a module that exports `createRequests(params)`. */
  readonly requests: string;
  readonly params: unknown;
  readonly pids: Readonly<Record<string, number>>;
}

export interface ContestResult {
  /** Every request, winners and losers; its rate is that of answers. */
  readonly all: Sample;
  readonly won: Sample;
  /** Everything else, whatever it was answered: see its outcomes. */
  readonly lost: Sample;
}

/** All clients begin together and send until `total` requests are answered; each request is sent once, so each answer is counted. */
async function run(job: ContestJob): Promise<ContestResult> {
  const { createRequests } = (await import(job.requests)) as { createRequests: (params: unknown) => Requests };
  const requests = createRequests(job.params);
  const clients = Array.from({ length: job.clients }, () => new HttpClient(job.port));
  await sendAll(clients, requests.before);

  const pids = { ...job.pids, generator: process.pid, logs: process.ppid };
  const won: number[] = [];
  const lost: number[] = [];
  const wonOutcomes: Record<string, number> = {};
  const lostOutcomes: Record<string, number> = {};
  const cpuAtStart = cpuTimes(pids);
  const start = performance.now();
  let cpuWhenWon: Record<string, number> | null = null;
  let wonAt = start;
  let sent = 0;
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve) => {
          const step = () => {
            if (sent === job.total) return resolve();
            sent += 1;
            const startedAt = performance.now();
            client.send(requests.next(), (outcome) => {
              const now = performance.now();
              const isWin = requests.isSuccess(outcome);
              (isWin ? won : lost).push(now - startedAt);
              const outcomes = isWin ? wonOutcomes : lostOutcomes;
              outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
              if (isWin) wonAt = now;
              if (isWin && won.length === job.winners) cpuWhenWon = cpuTimes(pids);
              step();
            });
          };
          step();
        }),
    ),
  );
  const end = performance.now();
  const cpuAtEnd = cpuTimes(pids);
  const cpuBetween = cpuWhenWon ?? cpuAtEnd;
  for (const client of clients) client.close();
  const seconds = (from: number, to: number) => Math.max(0.001, (to - from) / 1_000);
  return {
    all: toSample([...won, ...lost], {
      ...{ seconds: seconds(start, end), outcomes: { ...wonOutcomes, ...lostOutcomes }, othersShare: null },
      cpuUs: perOperation(cpuAtStart, cpuAtEnd, job.total),
    }),
    won: toSample(won, {
      ...{ seconds: seconds(start, wonAt), outcomes: wonOutcomes, othersShare: null },
      cpuUs: perOperation(cpuAtStart, cpuBetween, won.length),
    }),
    lost: toSample(lost, {
      ...{ seconds: seconds(wonAt, end), outcomes: lostOutcomes, othersShare: null },
      cpuUs: perOperation(cpuBetween, cpuAtEnd, lost.length),
    }),
  };
}

serveLoad(run);
