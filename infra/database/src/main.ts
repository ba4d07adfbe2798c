import { loadConfigOrExit } from '@holdfast/shared/config';
import { loadConfig } from './config.ts';
import { prepareDatabase } from './prepare-database.ts';

const log = (line: string): void => {
  process.stdout.write(
    `${JSON.stringify({ level: 'info', time: new Date().toISOString(), service: 'database', msg: line })}\n`,
  );
};

const config = loadConfigOrExit(() => loadConfig());
try {
  const ran = await prepareDatabase(config, log);
  log(ran.length === 0 ? 'every schema was up to date' : `${ran.length} migrations ran`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
