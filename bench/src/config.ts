import { loadConfigOrExit, parseConfig } from '@holdfast/shared/config';
import { z } from 'zod';

const schema = z.object({
  PATH: z.string().default('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'),
  HOLDFAST_DATA_DIR: z.string().optional(),
  HOLDFAST_POSTGRES_BIN: z.string().optional(),
  HOLDFAST_NATS_SERVER: z.string().optional(),
  HOLDFAST_REDIS_SERVER: z.string().optional(),
  /** Set by bootstrap.mjs, so that progress shows the time since the command was given. */
  HOLDFAST_STARTED_AT: z.coerce.number().optional(),
});

export type BenchConfig = z.infer<typeof schema>;

/** Configuration of `npm run bench`. Ends the process with every wrong variable named. */
export function loadBenchConfig(): BenchConfig {
  return loadConfigOrExit(() => parseConfig(schema, process.env));
}

/** What the services are told beside the launcher's own settings: limits of one user or one sender must not be what is measured. */
export const UNBOUND: Readonly<Record<string, string>> = {
  NODE_ENV: 'production',
  HOLDFAST_MAX_HOLDS_PER_USER: '1000000',
  HOLDFAST_MAX_SERIES_PER_USER: '1000000',
  HOLDFAST_MAX_SERIES_HOLDS_PER_USER: '1000000',
  HOLDFAST_RATE_LIMIT_SCALE: '1000000',
  // The pace of refunds is a real provider's, which the simulator is not.
  HOLDFAST_REFUNDS_PER_SECOND: '1000',
  HOLDFAST_LOG_LEVEL: 'info',
};

/** Names of variables that change what is measured; a value of the user's shell must not. */
const FOREIGN = /^(HOLDFAST_|DATABASE_URL$|NATS_URL$|REDIS_URL$|STRIPE_|NODE_OPTIONS$|PG[A-Z]+$)/;

/**
 * The stack's processes inherit this process's environment: from here on it holds nothing of the user's own configuration and the
 * settings above. `nodeOptions` go to every Node process of the stack.
 */
export function prepareStackEnvironment(nodeOptions: string): void {
  for (const name of Object.keys(process.env)) if (FOREIGN.test(name)) delete process.env[name];
  Object.assign(process.env, UNBOUND);
  if (nodeOptions !== '') process.env['NODE_OPTIONS'] = nodeOptions;
}
