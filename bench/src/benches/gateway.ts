import { ASSERTION_HEADER, signAssertion } from '@holdfast/shared/http/internal-assertion';
import { newId, type UserId } from '@holdfast/shared/ids';
import { traceparentFrom } from '@holdfast/shared/telemetry/traceparent';
import type { Bench, BenchContext } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import type { Sample } from '../load/sample.ts';
import { keepTrickling } from '../load/slow-sockets.ts';
import { loneGateway } from '../stack/lone-gateway.ts';
import type { KeyedRequestsParams } from './keyed-requests.ts';

const CLIENTS = 64;
/** No bench takes longer. */
const BENCH_MS = 24 * 3_600_000;
const USERS = 1_000;
/** Enough to see what they do to others, few enough that these others do not wait for each other. */
const FEW_CLIENTS = 8;
const SLOW_SOCKETS = 2_000;

/** Keyed POSTs to a service that has no work of its own: what the gateway costs, by itself. */
export const gateway: Bench = {
  name: 'gateway',
  summary: `keyed POST through the gateway against the same upstream without it, ${CLIENTS} keep-alive clients`,
  series: [
    { name: 'upstream', label: 'the upstream alone', unit: 'calls/s' },
    {
      name: 'gateway',
      label: 'through the gateway',
      unit: 'calls/s',
      reach: [{ of: 'upstream', atLeast: 0.4 }],
    },
  ],
  async prepare(context) {
    const measure = await preparedLoad(context);
    return {
      round: async () =>
        new Map([
          ['upstream', await measure('upstream', CLIENTS)],
          ['gateway', await measure('gateway', CLIENTS)],
        ]),
    };
  },
};

/** The same calls by few clients, alone and beside clients that send a byte now and then. Its p99 is what counts. */
export const slowClients: Bench = {
  name: 'slow-clients',
  summary: `latency through the gateway, alone and beside ${SLOW_SOCKETS} sockets that send a byte now and then`,
  series: [
    { name: 'calm', label: `${FEW_CLIENTS} clients`, unit: 'calls/s' },
    {
      name: 'besieged',
      label: `the same beside ${SLOW_SOCKETS} slow sockets`,
      unit: 'calls/s',
      reach: [{ of: 'calm', atLeast: 0.5 }],
      within: [{ percentile: 'p99Ms', atMost: 2, of: 'calm' }],
    },
  ],
  async prepare(context) {
    const measure = await preparedLoad(context);
    const { gatewayPort } = await loneGateway(context.stack.addresses);
    return {
      async round() {
        const calm = await measure('gateway', FEW_CLIENTS);
        const slow = await keepTrickling(gatewayPort, SLOW_SOCKETS);
        const besieged = await measure('gateway', FEW_CLIENTS);
        context.progress.detail(`${slow.open()} slow sockets were open, ${slow.cut()} were cut off and came again`);
        slow.stop();
        return new Map([
          ['calm', calm],
          ['besieged', besieged],
        ]);
      },
    };
  },
};

async function preparedLoad(
  context: BenchContext,
): Promise<(what: 'gateway' | 'upstream', clients: number) => Promise<Sample>> {
  const lone = await loneGateway(context.stack.addresses);
  const users = await makeUsers(context.admin, USERS);
  const path = `/v1/bookings/${newId('bkg')}/cancel`;
  const heads = {
    gateway: users.map(({ token }) => ({ Authorization: `Bearer ${token}` })),
    upstream: users.map(({ id }) => ({ [ASSERTION_HEADER]: assertionOf(id, lone.secret) })),
  };
  return (what, clients) => {
    const params: KeyedRequestsParams = { host: '127.0.0.1', path, callers: heads[what] };
    const job: HttpLoadJob = {
      ...{ port: what === 'gateway' ? lone.gatewayPort : lone.upstreamPort, clients, params },
      ...{ rampSeconds: 2, seconds: context.seconds, pids: lone.pids },
      requests: new URL('./keyed-requests.ts', import.meta.url).href,
    };
    return runLoad(new URL('../load/http-load.ts', import.meta.url), job);
  };
}

/** What the gateway says of a user, good for the length of a bench. */
function assertionOf(userId: UserId, secret: string): string {
  const who = { userId, role: 'customer', email: 'bench@example.com', name: 'Bench Customer' } as const;
  const call = { address: '127.0.0.1', requestId: newId('req'), traceparent: traceparentFrom(undefined) };
  return signAssertion(secret, { ...who, ...call }, Date.now() + BENCH_MS);
}
