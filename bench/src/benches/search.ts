import type { Bench } from '../bench.ts';
import { runLoad } from '../load/child.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import { fillCatalogue } from './search-catalogue.ts';
import type { SearchKind, SearchRequestsParams } from './search-requests.ts';

/** Few, as it is latency that is measured and not how many searches two cores can carry out. */
const CLIENTS = 2;

const KINDS: Readonly<Record<SearchKind, string>> = {
  browse: 'search by date, category and price',
  words: 'search by words, with venue, date and price',
  typos: 'search by a mistyped word',
  free: 'search for what can be booked',
};

/** Searches through the public API at 100,000 events to come. */
export const search: Bench = {
  name: 'search',
  summary: `latency of a search through the gateway at 100,000 events, ${CLIENTS} clients`,
  series: Object.entries(KINDS).map(([kind, label]) => ({ name: `search-${kind}`, label, unit: 'searches/s' })),
  async prepare({ admin, stack, seconds, progress }) {
    await fillCatalogue(admin, (line) => progress.detail(line));
    const { host, port } = new URL(stack.addresses.gateway);
    return {
      async round() {
        const samples = [];
        for (const kind of Object.keys(KINDS) as SearchKind[]) {
          const params: SearchRequestsParams = { host, kind };
          const job: HttpLoadJob = {
            ...{ port: Number(port), clients: CLIENTS, rampSeconds: 1, seconds, params },
            requests: new URL('./search-requests.ts', import.meta.url).href,
            pids: Object.fromEntries(stack.pids()),
          };
          samples.push([
            `search-${kind}`,
            await runLoad(new URL('../load/http-load.ts', import.meta.url), job),
          ] as const);
        }
        return new Map(samples);
      },
    };
  },
};
