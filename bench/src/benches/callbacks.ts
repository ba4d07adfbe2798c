import type { Bench, BenchContext } from '../bench.ts';
import { runLoad } from '../load/child.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import type { CallbackRequestsParams } from './callback-requests.ts';

const CLIENTS = 16;
const PER_SECOND = 200;

/** How soon a callback of the provider is answered, which is after it was committed, at a steady rate. */
export const callbacks: Bench = {
  name: 'callbacks',
  summary: `signed callbacks stored and answered through the gateway, ${PER_SECOND} a second`,
  series: [{ name: 'callbacks', label: `callbacks, ${PER_SECOND} a second`, unit: 'callbacks/s' }],
  prepare(context) {
    return Promise.resolve({
      async round() {
        const { host, port } = new URL(context.stack.addresses.gateway);
        const params: CallbackRequestsParams = { host, secret: context.stack.webhookSecret };
        const job: HttpLoadJob = {
          port: Number(port),
          clients: CLIENTS,
          perSecond: PER_SECOND,
          rampSeconds: 2,
          seconds: context.seconds,
          requests: new URL('./callback-requests.ts', import.meta.url).href,
          params,
          pids: Object.fromEntries(context.stack.pids()),
        };
        const before = await countStored(context);
        const sample = await runLoad(new URL('../load/http-load.ts', import.meta.url), job);
        const [answered, stored] = [sample.outcomes['200'] ?? 0, (await countStored(context)) - before];
        // An answer before the commit would be fast, and worth nothing.
        if (stored < answered) throw new Error(`${answered} callbacks were answered 200 and ${stored} are stored`);
        return new Map([['callbacks', sample]]);
      },
    });
  },
};

async function countStored({ admin }: BenchContext): Promise<number> {
  const { rows } = await admin.query<{ count: number }>('select count(*)::int as count from payment.provider_events');
  return rows[0]!.count;
}
