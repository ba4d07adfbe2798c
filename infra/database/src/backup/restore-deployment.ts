import { filledStreams, forgetStreams } from '@holdfast/shared/bus/forget-streams';
import type { Config } from '../config.ts';
import { commonDatabase, passwordsOf, waitForServer } from '../prepare-database.ts';
import type { Manifest } from './manifest.ts';
import { restoreDatabase } from './restore-database.ts';

/**
 * Takes a deployment back to a backup: the database, and the streams, which would tell services what the database does not know (yet):
 * they are removed when `forget` says so, and otherwise they must be empty. Services fill them again from their outboxes.
 */
export async function restoreDeployment(
  config: Config,
  folder: string,
  forget: boolean,
  log: (line: string) => void,
): Promise<Manifest> {
  const filled = config.natsUrl === undefined ? [] : await filledStreams(config.natsUrl);
  if (filled.length > 0 && !forget) {
    throw new Error(
      `the streams ${filled.join(', ')} hold messages of after the backup: services would act on what the database does not know. ` +
        'Start NATS with an empty store, or give --forget-streams',
    );
  }
  await waitForServer(config.adminUrl, config.waitSeconds, log);
  const manifest = await restoreDatabase({
    adminUrl: config.adminUrl,
    database: commonDatabase(config.urls),
    passwords: passwordsOf(config.urls),
    ...{ folder, log },
  });
  if (filled.length > 0) await forgetStreams(config.natsUrl!);
  return manifest;
}
