import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type { ServiceSchema } from './bootstrap.ts';

/** Folder of services/<name> for each schema: the gateway owns `identity`. */
const SERVICE_OF: Record<ServiceSchema, string> = {
  identity: 'gateway',
  booking: 'booking',
  payment: 'payment',
  notification: 'notification',
};
/** Services that publish and consume, and so get the outbox, inbox and dead-letter tables before their own. */
const WITH_MESSAGING: readonly ServiceSchema[] = ['identity', 'booking', 'payment', 'notification'];

export interface MigrateOptions {
  /** The service's own DATABASE_URL: its role owns its schema. */
  readonly databaseUrl: string;
  readonly service: ServiceSchema;
  readonly direction?: 'up' | 'down';
  /**
   * Stops after those that a backup was made with: their names by the table that keeps them, in order. Without it all run. A release that
   * has others before or between them is told by the names that ran.
   */
  readonly upTo?: Readonly<Record<string, readonly string[]>>;
  /** Called with one line a migration. */
  readonly log?: (line: string) => void;
}

/** Brings one service's schema to its newest version (or all the way down). Safe to run again and from several processes at once. */
export async function migrateService(options: MigrateOptions): Promise<string[]> {
  const direction = options.direction ?? 'up';
  const sets = migrationSets(options.service);
  if (direction === 'down') sets.reverse();
  const done: string[] = [];
  for (const set of sets) {
    const count = options.upTo === undefined ? Infinity : (options.upTo[set.table]?.length ?? 0);
    if (count === 0) continue;
    const ran = await runner({
      databaseUrl: options.databaseUrl,
      dir: set.dir,
      migrationsTable: set.table,
      schema: options.service,
      migrationsSchema: options.service,
      direction,
      count,
      // The library's lock is one number for everybody; with a value per schema the services migrate side by side.
      advisoryLockMode: 'wait',
      lockValue: lockValue(options.service),
      log: () => undefined,
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined },
    });
    for (const migration of ran) {
      done.push(migration.name);
      options.log?.(`${options.service}: ${migration.name} ${direction}`);
    }
  }
  return done;
}

/** The folders whose migrations make a service's schema, in their order, each with the table that names those that ran. */
export function migrationSets(service: ServiceSchema): { readonly dir: string; readonly table: string }[] {
  return [
    ...(WITH_MESSAGING.includes(service)
      ? [{ dir: fileURLToPath(new URL('../../migrations', import.meta.url)), table: 'migrations_messaging' }]
      : []),
    {
      dir: fileURLToPath(new URL(`../../../../services/${SERVICE_OF[service]}/migrations`, import.meta.url)),
      table: 'migrations',
    },
  ];
}

function lockValue(service: ServiceSchema): number {
  return 7_310_000 + Object.keys(SERVICE_OF).indexOf(service);
}
