import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { BOOKING_INVARIANTS } from '../../../../services/booking/src/integrity/booking-invariants.ts';
import { backUpDatabase } from '../../../database/src/backup/back-up-database.ts';
import type { Manifest } from '../../../database/src/backup/manifest.ts';
import { restoreDatabase } from '../../../database/src/backup/restore-database.ts';
import { restoreDeployment } from '../../../database/src/backup/restore-deployment.ts';
import { loadConfig } from '../../../database/src/config.ts';
import { PAYMENT_INVARIANTS } from '../../../../services/payment/src/integrity/payment-invariants.ts';
import { auditInvariants } from '@holdfast/shared/audit/audit-invariants';
import { loadConfigOrExit } from '@holdfast/shared/config';
import { SERVICE_SCHEMAS, type ServiceSchema } from '@holdfast/shared/db/bootstrap';
import type { Invariant } from '@holdfast/shared/integrity/invariant';
import { messagingInvariants } from '@holdfast/shared/integrity/messaging-invariants';
import pg from 'pg';
import { withScratchPostgres } from '../check/scratch-postgres.ts';
import { loadTestConfig } from '../config.ts';
import { openDataDir, resolveDataDir } from '../data-dir.ts';
import { startGuard } from '../guard.ts';
import { isStackRunning, readState } from '../stack-state.ts';
import { unprivilegedUser } from '../unprivileged-user.ts';
import { CommandError, EXIT } from './gateway-client.ts';
import type { Report } from './report.ts';
import { table } from './table.ts';

export interface BackupTarget {
  readonly HOLDFAST_DATA_DIR?: string | undefined;
  readonly HOLDFAST_POSTGRES_ADMIN_URL?: string | undefined;
}

const progress = (line: string) => void process.stderr.write(`${line}\n`);

/** `backup <folder>`: every table of all services as of one moment, while they run. */
export async function backUp(target: BackupTarget, operands: readonly string[]): Promise<Report> {
  const folder = theFolder('backup', operands);
  const state = readState(resolveDataDir(target.HOLDFAST_DATA_DIR));
  const running = isStackRunning(state) ? state.processes.postgres?.url : undefined;
  const databaseUrl = target.HOLDFAST_POSTGRES_ADMIN_URL ?? running;
  if (databaseUrl === undefined) {
    throw new CommandError('Nothing runs from this checkout; set HOLDFAST_POSTGRES_ADMIN_URL.', EXIT.unreachable);
  }
  const manifest = await backUpDatabase({ databaseUrl, folder, log: progress });
  return { json: summaryOf(manifest), lines: [`${told(manifest)} are in ${folder}`] };
}

/** `restore <folder>`: a deployment as it was then, on the servers that the variables name. */
export async function restore(forgetStreams: boolean, operands: readonly string[]): Promise<Report> {
  const folder = theFolder('restore', operands);
  const config = loadConfigOrExit(() => loadConfig());
  const manifest = await restoreDeployment(config, folder, forgetStreams, progress);
  return {
    json: summaryOf(manifest),
    lines: [
      `${told(manifest)} are restored.`,
      ...(config.natsUrl === undefined ? ['Start NATS with an empty store: NATS_URL was not given.'] : []),
      'Start the services, then compare with the provider: docs/runbooks/backup.md',
    ],
  };
}

/** `drill <folder>`: restores a backup into a PostgreSQL of its own, which is thrown away, and holds the data against every invariant. */
export async function drill(operands: readonly string[]): Promise<Report> {
  const folder = theFolder('drill', operands);
  const variables = loadTestConfig();
  const guard = startGuard();
  try {
    const dataDir = openDataDir(variables.HOLDFAST_DATA_DIR);
    return await withScratchPostgres(
      { dataDir, variables, user: unprivilegedUser(), log: progress },
      guard,
      (adminUrl) => restoreAndExamine(adminUrl, folder, progress),
    );
  } finally {
    guard.close();
  }
}

const DRILL_DATABASE = 'holdfast_drill';

/** Restores into a new database of this server, and tells which invariants its rows break. */
export async function restoreAndExamine(
  adminUrl: string,
  folder: string,
  log: (line: string) => void,
): Promise<Report> {
  const password = randomBytes(12).toString('hex');
  const passwords = { identity: password, booking: password, payment: password, notification: password };
  const manifest = await restoreDatabase({ adminUrl, database: DRILL_DATABASE, passwords, folder, log });
  const findings = [];
  for (const schema of SERVICE_SCHEMAS) {
    const url = new URL(adminUrl);
    url.pathname = `/${DRILL_DATABASE}`;
    url.username = `holdfast_${schema}`;
    url.password = password;
    findings.push(...(await brokenIn(url.href, schema)));
  }
  return {
    json: { ok: findings.length === 0, ...summaryOf(manifest), findings },
    lines: [
      `${told(manifest)} came back, and ${findings.length === 0 ? 'no invariant is broken.' : 'not all is well:'}`,
      ...(findings.length === 0
        ? []
        : table(
            ['service', 'invariant', 'rows', 'must be so'],
            findings.map(({ schema, name, rows, description }) => [schema, name, String(rows), description]),
          )),
    ],
    exitCode: findings.length === 0 ? 0 : 1,
  };
}

const INVARIANTS: Readonly<Record<ServiceSchema, readonly Invariant[]>> = {
  identity: [],
  booking: BOOKING_INVARIANTS,
  payment: PAYMENT_INVARIANTS,
  notification: [],
};

interface BrokenInvariant {
  readonly schema: ServiceSchema;
  readonly name: string;
  readonly description: string;
  readonly rows: number;
}

/** Those of the hour, which look at the rows alone: those of the minute say whether services work, and here none does. */
async function brokenIn(url: string, schema: ServiceSchema): Promise<BrokenInvariant[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const broken: BrokenInvariant[] = [];
  try {
    const all = [...INVARIANTS[schema], ...messagingInvariants(schema), ...auditInvariants(schema)];
    for (const { name, description, sql } of all.filter(({ every }) => every === 'hour')) {
      const { rowCount } = await client.query(sql);
      if (rowCount !== 0) broken.push({ schema, name, description, rows: rowCount ?? 0 });
    }
  } finally {
    await client.end();
  }
  return broken;
}

function theFolder(name: string, operands: readonly string[]): string {
  if (operands.length !== 1) throw new CommandError(`${name} takes one folder`, EXIT.usage);
  return resolve(operands[0]!);
}

function rowsOf(manifest: Manifest): number {
  return manifest.tables.reduce((sum, { rows }) => sum + rows, 0);
}

function told(manifest: Manifest): string {
  return `${rowsOf(manifest)} rows of ${manifest.tables.length} tables, as of ${manifest.taken_at},`;
}

function summaryOf(manifest: Manifest) {
  return { taken_at: manifest.taken_at, tables: manifest.tables.length, rows: rowsOf(manifest) };
}
