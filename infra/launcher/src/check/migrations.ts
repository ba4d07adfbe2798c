import { randomBytes } from 'node:crypto';
import { bootstrapDatabase, SERVICE_SCHEMAS, type ServiceSchema } from '@holdfast/shared/db/bootstrap';
import { migrateService } from '@holdfast/shared/db/migrate';
import pg from 'pg';
import { catalogDifference, readCatalog } from './catalog.ts';

/** Runs one schema's migrations in a direction and tells the names of those that ran. */
export type Migrate = (service: ServiceSchema, direction: 'up' | 'down') => Promise<string[]>;

/**
 * Takes the migrations of all four schemas up, down and up again in a new database of this server. @returns what is wrong: a schema
 * that is not empty after "down", or not the same after the second "up", or migrations that run twice.
 */
export async function checkMigrations(adminUrl: string): Promise<string[]> {
  const database = `check_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const passwords = { identity: password, booking: password, payment: password, notification: password };
  const urls = await bootstrapDatabase({ adminUrl, database, passwords });
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  const findings = await Promise.all(
    SERVICE_SCHEMAS.map((schema) =>
      checkSchema(url.href, schema, (service, direction) =>
        migrateService({ databaseUrl: urls[service], service, direction }),
      ),
    ),
  );
  return findings.flat();
}

/** The same for one schema of a bootstrapped database; `adminUrl` leads to that database. */
export async function checkSchema(adminUrl: string, schema: ServiceSchema, migrate: Migrate): Promise<string[]> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  const findings: string[] = [];
  let doing = 'up';
  try {
    const ran = await migrate(schema, 'up');
    if (ran.length === 0) findings.push(`${schema}: has no migrations`);
    const first = await readCatalog(client, schema);
    doing = 'up once more';
    const again = await migrate(schema, 'up');
    if (again.length > 0) findings.push(`${schema}: ${again.join(', ')} ran a second time`);
    doing = 'down';
    await migrate(schema, 'down');
    const left = await readCatalog(client, schema);
    findings.push(...left.map((line) => `${schema}: left after "down": ${line}`));
    doing = 'up again';
    await migrate(schema, 'up');
    const second = await readCatalog(client, schema);
    findings.push(...catalogDifference(first, second).map((line) => `${schema}: differs after "up" again: ${line}`));
  } catch (error) {
    findings.push(`${schema}: "${doing}" failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await client.end();
  }
  return findings;
}
