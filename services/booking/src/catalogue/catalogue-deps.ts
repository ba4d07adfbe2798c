import type { Pool } from '@holdfast/shared/db/pool';
import type { Logger } from '@holdfast/shared/telemetry/logger';

/** What the catalogue's routes need. */
export interface CatalogueDeps {
  readonly pool: Pool;
  readonly logger: Logger;
}
