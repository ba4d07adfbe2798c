import { setTimeout as sleep } from 'node:timers/promises';
import { bootstrapDatabase, SERVICE_SCHEMAS } from '@holdfast/shared/db/bootstrap';
import { migrateService } from '@holdfast/shared/db/migrate';
import pg from 'pg';
import type { Config } from './config.ts';

const RETRY_MS = 500;

/**
 * Makes the database, the roles and the schemas where they are missing, gives the roles the passwords of their URLs, and brings each
 * schema to the newest version. Safe to run again, beside running services and beside itself; it removes nothing.
 * @returns the names of the migrations that ran. @throws when the URLs name different databases, or the server does not answer in time.
 */
export async function prepareDatabase(config: Config, log: (line: string) => void): Promise<string[]> {
  const database = commonDatabase(config.urls);
  await waitForServer(config.adminUrl, config.waitSeconds, log);
  await bootstrapDatabase({ adminUrl: config.adminUrl, database, passwords: passwordsOf(config.urls) });
  const ran: string[] = [];
  for (const service of SERVICE_SCHEMAS) {
    ran.push(...(await migrateService({ databaseUrl: config.urls[service], service, log })));
  }
  return ran;
}

/** The database that all URLs name. One run prepares one database; services on servers of their own are prepared by a run each. */
export function commonDatabase(urls: Config['urls']): string {
  const names = new Set(Object.values(urls).map((url) => decodeURIComponent(new URL(url).pathname.slice(1))));
  const [name] = names;
  if (names.size !== 1 || name === undefined || name === '') {
    throw new Error('the four database URLs must name the same database');
  }
  return name;
}

/** Passwords of the roles, by their schemas. */
export function passwordsOf(urls: Config['urls']): Config['urls'] {
  const entries = SERVICE_SCHEMAS.map((service) => {
    const { username, password } = new URL(urls[service]);
    const role = `holdfast_${service}`;
    if (username !== role || password === '') {
      throw new Error(`the ${service} URL must log in as ${role} with a password: that role owns the schema`);
    }
    return [service, decodeURIComponent(password)] as const;
  });
  return Object.fromEntries(entries) as unknown as Config['urls'];
}

export async function waitForServer(url: string, waitSeconds: number, log: (line: string) => void): Promise<void> {
  const deadline = performance.now() + waitSeconds * 1000;
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return;
    } catch (error) {
      // A wrong password stays wrong.
      const isFinal = error instanceof pg.DatabaseError && (error.code ?? '').startsWith('28');
      if (isFinal || performance.now() > deadline) {
        throw new Error(`PostgreSQL at ${new URL(url).host} does not let us in: ${reason(error)}`, { cause: error });
      }
      if (attempt === 1) log(`waiting for PostgreSQL at ${new URL(url).host}`);
      await sleep(RETRY_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Not `instanceof Error`: an error of Node's sockets is of another kind where jest runs this. */
function reason(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
