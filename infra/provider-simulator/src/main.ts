import { loadConfigOrExit } from '@holdfast/shared/config';
import { loadConfig } from './config.ts';
import { startSimulator } from './simulator.ts';

const log = (fields: Record<string, unknown>): void => {
  process.stdout.write(
    `${JSON.stringify({ time: new Date().toISOString(), service: 'provider-simulator', ...fields })}\n`,
  );
};

const config = loadConfigOrExit(() => loadConfig());
try {
  const simulator = await startSimulator(config);
  log({ level: 'info', msg: 'listening', port: simulator.port, host: config.host, data_dir: config.data_dir });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log({ level: 'info', msg: 'stopping', signal });
      void simulator.stop().then(() => process.exit(0));
    });
  }
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  log({ level: 'fatal', msg: `${error instanceof Error ? error.message : String(error)}${cause}` });
  process.exit(1);
}
