import { SERVICE_SCHEMAS } from '@holdfast/shared/db/bootstrap';
import pg from 'pg';
import { resolveDataDir } from '../../data-dir.ts';
import { isStackRunning, readState } from '../../stack-state.ts';
import { reasonOf } from '../doctor/finding.ts';
import { CommandError, EXIT } from '../gateway-client.ts';
import type { Report } from '../report.ts';
import { bold, table } from '../table.ts';
import { adviceFor } from './advice-rules.ts';
import { readStatistics, type DatabaseStatistics } from './read-statistics.ts';

/** Which database; what is not named is that of the stack of this checkout. */
export interface DatabaseChoice {
  readonly HOLDFAST_DATA_DIR?: string | undefined;
  readonly HOLDFAST_POSTGRES_ADMIN_URL?: string | undefined;
}

const STATEMENTS = 15;
const TABLES = 15;
/** Of a text on a line of its own. */
const TEXT_LENGTH = 160;

/** `database`: what is slow, what is not used, what grows, and what to do about it. Changes nothing. */
export async function showDatabase(choice: DatabaseChoice, operands: readonly string[]): Promise<Report> {
  if (operands.length > 0) throw new CommandError('database takes no operand', EXIT.usage);
  const state = readState(resolveDataDir(choice.HOLDFAST_DATA_DIR));
  const url = choice.HOLDFAST_POSTGRES_ADMIN_URL ?? (isStackRunning(state) ? state.processes.postgres?.url : undefined);
  if (url === undefined)
    throw new CommandError('Nothing runs from this checkout; set HOLDFAST_POSTGRES_ADMIN_URL.', EXIT.unreachable);
  return reportOn(await statisticsOf(url));
}

/** @throws CommandError that names the server, and no password. */
export async function statisticsOf(url: string): Promise<DatabaseStatistics> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000, query_timeout: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await readStatistics(client, SERVICE_SCHEMAS, STATEMENTS);
  } catch (error) {
    throw new CommandError(`PostgreSQL at ${new URL(url).host}: ${reasonOf(error)}`, EXIT.unreachable);
  } finally {
    await client.end().catch(() => undefined);
  }
}

export function reportOn(found: DatabaseStatistics): Report {
  const advice = adviceFor(found);
  const since = found.counted_since === null ? 'its beginning' : found.counted_since;
  return {
    json: { ...found, advice },
    lines: [
      `${bold(found.database)}  ${size(found.bytes)}, counted since ${since}`,
      `found in memory: ${share(found.hit_ratio)}; deadlocks: ${found.deadlocks}; waiting for a lock now: ${found.waiting_for_locks}; oldest open transaction: ${found.oldest_transaction_s.toFixed(1)} s`,
      '',
      ...(found.statements === null
        ? ['Statements: not counted, because the server does not load pg_stat_statements.']
        : table(
            ['of', 'calls', 'total s', 'mean ms', 'rows/call', 'in memory', 'statement'],
            found.statements.map((each) => [
              each.role.replace('holdfast_', ''),
              String(each.calls),
              (each.total_ms / 1_000).toFixed(1),
              each.mean_ms.toFixed(2),
              (each.rows / Math.max(1, each.calls)).toFixed(1),
              share(each.hit_ratio),
              each.text.slice(0, TEXT_LENGTH),
            ]),
          )),
      '',
      ...table(
        ['table', 'size', 'of it indexes', 'rows', 'dead', 'inserted', 'deleted', 'whole scans', 'in memory'],
        found.tables
          .slice(0, TABLES)
          .map((each) => [
            each.table,
            size(each.bytes),
            size(each.index_bytes),
            String(each.live_rows),
            String(each.dead_rows),
            String(each.inserted),
            String(each.deleted),
            String(each.whole_scans),
            share(each.hit_ratio),
          ]),
      ),
      '',
      ...(found.unused_indexes.length === 0
        ? ['Every index was read.']
        : table(
            ['index that nothing read', 'of', 'size'],
            found.unused_indexes.map(({ index, table: of, bytes }) => [index, of, size(bytes)]),
          )),
      '',
      ...(advice.length === 0 ? ['Nothing to do.'] : advice),
    ],
  };
}

function size(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function share(ratio: number | null): string {
  return ratio === null ? '-' : `${(ratio * 100).toFixed(1)} %`;
}
