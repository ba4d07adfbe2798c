import { bootstrapDatabase, SERVICE_SCHEMAS, type ServiceSchema } from '@holdfast/shared/db/bootstrap';
import { migrateService } from '@holdfast/shared/db/migrate';
import type { BenchStack } from './bench-stack.ts';

let made = 0;

/**
 * Makes a database beside the stack's with the messaging tables of one service, and gives that service's URL to it. Nobody of the stack
 * works in it, so what is measured there is the relay alone.
 */
export async function makeRelayDatabase({ adminUrl, addresses }: BenchStack): Promise<string> {
  // The roles are the server's and have their passwords already.
  const passwords = Object.fromEntries(
    SERVICE_SCHEMAS.map((service) => [service, decodeURIComponent(new URL(addresses.database[service]).password)]),
  ) as Record<ServiceSchema, string>;
  const urls = await bootstrapDatabase({ adminUrl, database: `bench_relay_${made++}`, passwords });
  await migrateService({ databaseUrl: urls.notification, service: 'notification' });
  return urls.notification;
}
