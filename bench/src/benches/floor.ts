import { newId } from '@holdfast/shared/ids';
import type { Bench } from '../bench.ts';
import type { FloorLoadJob } from '../floor/floor-load.ts';
import { CREATE_FUNCTION, CREATE_TABLES, EMPTY_TABLES } from '../floor/floor-sql.ts';
import { findPgbench, runPgbench } from '../floor/pgbench.ts';
import { runLoad } from '../load/child.ts';
import type { Sample } from '../load/sample.ts';
import { eventsFor } from './seats.ts';

const CONNECTIONS = 16;
const USERS = 4_000;

/** The yardsticks: what one would get from PostgreSQL alone, without a service in front of it. */
export const floor: Bench = {
  name: 'floor',
  summary: `the same hold by a bare SQL client on ${CONNECTIONS} connections: seven statements (A), one function call (B)`,
  series: [
    { name: 'A', label: 'A: seven statements in a transaction', unit: 'holds/s' },
    { name: 'B', label: 'B: one function call', unit: 'holds/s' },
    { name: 'A-pgbench', label: 'A by pgbench, to check the client', unit: 'holds/s' },
    { name: 'B-pgbench', label: 'B by pgbench, to check the client', unit: 'holds/s' },
  ],
  async prepare({ admin, stack, seconds, progress }) {
    await admin.query(CREATE_TABLES + CREATE_FUNCTION);
    const pgbench = findPgbench();
    if (pgbench === undefined) progress.detail('pgbench is not installed: A and B are not cross-checked');
    const events = Array.from({ length: eventsFor(seconds) }, () => newId('evt'));
    const users = Array.from({ length: USERS }, () => newId('usr'));

    const measure = async (yardstick: 'A' | 'B'): Promise<Sample> => {
      await admin.query(EMPTY_TABLES);
      const job: FloorLoadJob = {
        ...{ url: stack.adminUrl, yardstick, connections: CONNECTIONS, rampSeconds: 1, seconds, events, users },
        ...{ run: newId('req'), pids: Object.fromEntries(stack.pids()) },
      };
      return runLoad(new URL('../floor/floor-load.ts', import.meta.url), job);
    };
    return {
      async round(index) {
        const samples = new Map([
          ['A', await measure('A')],
          ['B', await measure('B')],
        ]);
        // Once a run tells whether the client is the limit.
        if (index === 0 && pgbench !== undefined) {
          for (const yardstick of ['A', 'B'] as const) {
            await admin.query(EMPTY_TABLES);
            const options = { url: stack.adminUrl, yardstick, connections: CONNECTIONS, seconds };
            samples.set(`${yardstick}-pgbench`, await runPgbench(pgbench, options));
          }
        }
        await admin.query(EMPTY_TABLES);
        return samples;
      },
    };
  },
};
