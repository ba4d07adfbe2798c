import { loadConfigOrExit } from '@holdfast/shared/config';
import { stopOnSignals } from '@holdfast/shared/lifecycle';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { loadConfig } from './config.ts';
import { startService } from './service.ts';

const config = loadConfigOrExit(loadConfig);
stopOnSignals(await startService(config), createLogger({ service: 'booking', level: config.logLevel }));
