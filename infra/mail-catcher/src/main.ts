import { loadConfigOrExit } from '@holdfast/shared/config';
import { loadConfig } from './config.ts';
import { startMailCatcher } from './mail-catcher.ts';

const log = (fields: Record<string, unknown>): void => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), service: 'mail-catcher', ...fields })}\n`);
};

const config = loadConfigOrExit(() => loadConfig());
try {
  const catcher = await startMailCatcher(config, {
    onSmtpError: (error) => log({ level: 'warn', msg: 'smtp connection failed', error: error.message }),
  });
  log({ level: 'info', msg: 'listening', port: catcher.http_port, smtp_port: catcher.smtp_port, host: config.host });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log({ level: 'info', msg: 'stopping', signal });
      void catcher.stop().then(() => process.exit(0));
    });
  }
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  log({ level: 'fatal', msg: `${error instanceof Error ? error.message : String(error)}${cause}` });
  process.exit(1);
}
