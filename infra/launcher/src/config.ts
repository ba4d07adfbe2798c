import { loadConfigOrExit, parseConfig } from '@holdfast/shared/config';
import { z } from 'zod';

/** Set by bootstrap.mjs, so that progress shows the time since the command was given. */
const startedAt = z.coerce.number().default(() => Date.now());

const searchSchema = z.object({
  PATH: z.string().default('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'),
  HOLDFAST_DATA_DIR: z.string().optional(),
  HOLDFAST_POSTGRES_BIN: z.string().optional(),
  HOLDFAST_NATS_SERVER: z.string().optional(),
  HOLDFAST_REDIS_SERVER: z.string().optional(),
  HOLDFAST_STARTED_AT: startedAt,
});

export type TestConfig = z.infer<typeof searchSchema>;

/** Configuration of `npm test`. Ends the process with every wrong variable named. */
export function loadTestConfig(): TestConfig {
  return loadConfigOrExit(() => parseConfig(searchSchema, process.env));
}
