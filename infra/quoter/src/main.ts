import { loadConfigOrExit } from '@holdfast/shared/config';
import { loadConfig } from './config.ts';
import { startQuoter } from './quoter.ts';

const log = (fields: Record<string, unknown>): void => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), service: 'quoter', ...fields })}\n`);
};

const config = loadConfigOrExit(() => loadConfig());
try {
  const quoter = await startQuoter(config);
  log({ level: 'info', msg: 'listening', port: quoter.port, host: config.host });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log({ level: 'info', msg: 'stopping', signal });
      void quoter.stop().then(() => process.exit(0));
    });
  }
} catch (error) {
  log({ level: 'fatal', msg: error instanceof Error ? error.message : String(error), port: config.port });
  process.exit(1);
}
