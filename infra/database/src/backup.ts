import { parseArgs } from 'node:util';
import { loadConfigOrExit } from '@holdfast/shared/config';
import { backUpDatabase } from './backup/back-up-database.ts';
import { restoreDeployment } from './backup/restore-deployment.ts';
import { loadConfig } from './config.ts';
import { commonDatabase } from './prepare-database.ts';

/** For containers, which have no launcher: `node src/backup.ts back-up <folder>` and `node src/backup.ts restore <folder>`. */

const USAGE = 'node src/backup.ts back-up <folder> | restore <folder> [--forget-streams]';
const USAGE_ERROR = 64;

const log = (line: string) => void process.stdout.write(`${line}\n`);
process.exitCode = await main();

async function main(): Promise<number> {
  let command;
  try {
    command = parseArgs({ allowPositionals: true, options: { 'forget-streams': { type: 'boolean', default: false } } });
  } catch {
    command = null;
  }
  const [verb, folder, ...more] = command?.positionals ?? [];
  if (folder === undefined || more.length > 0 || (verb !== 'back-up' && verb !== 'restore')) {
    process.stderr.write(`${USAGE}\n`);
    return USAGE_ERROR;
  }
  const config = loadConfigOrExit(() => loadConfig());
  try {
    if (verb === 'restore') await restoreDeployment(config, folder, command!.values['forget-streams'], log);
    else {
      const url = new URL(config.adminUrl);
      url.pathname = `/${commonDatabase(config.urls)}`;
      await backUpDatabase({ databaseUrl: url.href, folder, log });
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}
