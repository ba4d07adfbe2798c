import type { Bench, BenchContext } from '../bench.ts';
import { runLoad } from '../load/child.ts';
import type { RelayLoadJob, RelaySamples } from '../load/relay-load.ts';
import { makeRelayDatabase } from '../stack/relay-database.ts';

const PER_SECOND = 200;
const BACKLOG = 40_000;

const PAST = 5_000_000;

/** The way of an event from its commit to its effect, by the classes of the services beside a stack that has nothing to do. */
export const relay: Bench = {
  name: 'relay',
  summary: `commit to publish and to the effect at ${PER_SECOND} events a second, and a backlog of ${BACKLOG} drained`,
  series: [
    {
      name: 'relay-publish',
      label: `commit to acknowledged publish, ${PER_SECOND} a second`,
      unit: 'events/s',
      within: [
        { percentile: 'p50Ms', atMost: 3 },
        { percentile: 'p99Ms', atMost: 10 },
      ],
    },
    {
      name: 'relay-effect',
      label: `commit to the effect at the consumer`,
      unit: 'events/s',
      within: [{ percentile: 'p99Ms', atMost: 50 }],
    },
    { name: 'relay-drain', label: `a backlog of ${BACKLOG} events published`, unit: 'events/s', atLeast: 8_000 },
  ],
  async prepare(context) {
    const measure = await preparedRelay(context);
    return {
      async round() {
        const { publish, effect, drain } = await measure(0);
        return new Map([
          ['relay-publish', publish],
          ['relay-effect', effect],
          ['relay-drain', drain],
        ]);
      },
    };
  },
};

/** The same over tables in which five million events lie, as many as a busy day leaves until they are pruned. */
export const relayGrown: Bench = {
  name: 'relay-grown',
  summary: `the relay over ${PAST} events that were published and not pruned yet: its looks and its way to the effect`,
  series: [
    {
      name: 'grown-poll',
      label: 'a look into the outbox that finds nothing',
      unit: 'looks/s',
      within: [{ percentile: 'p99Ms', atMost: 20 }],
    },
    {
      name: 'grown-publish',
      label: `commit to acknowledged publish, ${PER_SECOND} a second`,
      unit: 'events/s',
      within: [
        { percentile: 'p50Ms', atMost: 3 },
        { percentile: 'p99Ms', atMost: 10 },
      ],
    },
    {
      name: 'grown-effect',
      label: `commit to the effect at the consumer`,
      unit: 'events/s',
      within: [{ percentile: 'p99Ms', atMost: 50 }],
    },
  ],
  async prepare(context) {
    const measure = await preparedRelay(context);
    return {
      async round(index) {
        const { publish, effect, poll } = await measure(index === 0 ? PAST : 0);
        return new Map([
          ['grown-poll', poll],
          ['grown-publish', publish],
          ['grown-effect', effect],
        ]);
      },
    };
  },
};

async function preparedRelay({
  stack,
  seconds,
  progress,
}: BenchContext): Promise<(past: number) => Promise<RelaySamples>> {
  const databaseUrl = await makeRelayDatabase(stack);
  const broker = await stack.startBroker();
  return (past) => {
    const { postgres } = Object.fromEntries(stack.pids());
    const job: RelayLoadJob = {
      ...{ databaseUrl, natsUrl: broker.url, perSecond: PER_SECOND, backlog: BACKLOG, past },
      ...{ rampSeconds: 2, seconds, pids: { postgres: postgres!, broker: broker.pid } },
    };
    return runLoad<RelaySamples>(new URL('../load/relay-load.ts', import.meta.url), job, (words) =>
      progress.detail(words),
    );
  };
}
