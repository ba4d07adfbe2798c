import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgres, type SearchContext } from '../binaries/find-servers.ts';
import { anyFreePort } from '../free-port.ts';
import type { Guard } from '../guard.ts';
import { postgresHome } from '../postgres-home.ts';
import { startPostgres } from '../postgres.ts';

/** An empty PostgreSQL that lives for one call of `work`, given its administrator's URL, and is thrown away after it. */
export async function withScratchPostgres<T>(
  context: SearchContext,
  guard: Guard,
  work: (adminUrl: string) => Promise<T>,
): Promise<T> {
  const found = await findPostgres(context);
  const home = await postgresHome(context.dataDir, found, context.user, context.log);
  // Below test/ and with the pid in its name: the next test run removes what a killed check leaves behind.
  const run = join('test', `run-${process.pid}-${randomBytes(3).toString('hex')}`);
  const folder = join(home.dir, run);
  const secrets = join(context.dataDir, run);
  for (const each of new Set([folder, secrets])) mkdirSync(each, { recursive: true, mode: 0o711 });
  try {
    const postgres = await startPostgres({
      programs: home.programs,
      dataDir: join(folder, 'postgres'),
      passwordFile: join(secrets, 'postgres-password'),
      port: await anyFreePort(),
      mode: 'test',
      user: context.user,
      logFile: join(context.dataDir, 'logs', 'check-postgres.log'),
    });
    guard.add(postgres.pid, 'server');
    try {
      return await work(postgres.url);
    } finally {
      await postgres.stop();
      guard.remove(postgres.pid);
    }
  } finally {
    for (const each of new Set([folder, secrets])) rmSync(each, { recursive: true, force: true });
  }
}
