import { loadConfigOrExit } from '@holdfast/shared/config';
import { stopOnSignals } from '@holdfast/shared/lifecycle';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { loadConfig } from './config.ts';
import { buildService } from './service.ts';

const config = loadConfigOrExit(loadConfig);
const logger = createLogger({ service: 'booking', level: config.logLevel });
const service = buildService(config, { logger });
stopOnSignals(service, logger);
try {
  await service.start();
} catch (error) {
  // Most often a port that is taken; the message names it.
  logger.fatal({ err: error, host: config.host, port: config.port }, 'could not start');
  process.exit(1);
}
