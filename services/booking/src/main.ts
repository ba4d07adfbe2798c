import { loadConfigOrExit } from '@holdfast/shared/config';
import { runService } from '@holdfast/shared/lifecycle';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { loadConfig } from './config.ts';
import { buildService } from './service.ts';

const config = loadConfigOrExit(loadConfig);
const logger = createLogger({ service: 'booking', level: config.logLevel });
await runService(buildService(config, { logger }), logger, config);
