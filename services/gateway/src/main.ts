import { loadConfigOrExit } from '@holdfast/shared/config';
import { stopOnSignals } from '@holdfast/shared/lifecycle';
import { loadConfig } from './config.ts';
import { buildService } from './service.ts';

const config = loadConfigOrExit(() => loadConfig());
const service = buildService(config);
stopOnSignals(service, service.logger);
try {
  await service.start();
} catch (error) {
  service.logger.fatal({ err: error, port: config.port }, 'cannot listen; is HOLDFAST_GATEWAY_PORT taken?');
  process.exit(1);
}
