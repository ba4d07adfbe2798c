import { setTimeout as sleep } from 'node:timers/promises';
import type { DeadLetterReplayJson, DeadLetterReplayPlanJson } from '@holdfast/shared/contracts/dead-letter-replays';
import type {
  DeadLetterGroupListJson,
  DeadLetterInFullJson,
  DeadLetterListJson,
} from '@holdfast/shared/contracts/dead-letters';
import { styleText } from 'node:util';
import { CommandError, EXIT } from './gateway-client.ts';
import type { Command, Report } from './report.ts';
import { bold, table } from './table.ts';

const BASE = '/v1/ops/dead-letters';
const FILTERS = ['service', 'consumer', 'type', 'cause'] as const;
/** How often a job that runs is looked at. */
const LOOK_MS = 1_000;

const missing = (services: readonly string[]) =>
  services.map((service) => styleText('red', `${service} did not answer: its part is missing`));

/**
 * `dead-letters`: open ones in groups; `list`: the newest; an id: one in full; `replay <id>`; `discard <id> <reason>`; `restore <id>`;
 * `count` and `replay-all` with `service=…`, `type=…`, `cause=…`, `consumer=…`, `rate=…`; `progress <job>` and `stop <job>`.
 */
export const deadLetters: Command = async (api, [verb, ...operands]) => {
  if (verb === undefined) return groups(await api.get<DeadLetterGroupListJson>(`${BASE}/groups`));
  if (verb === 'list') return newest(await api.get<DeadLetterListJson>(`${BASE}?state=OPEN&limit=100`));
  if (verb === 'count' || verb === 'replay-all') {
    const body = readFilter(operands);
    if (verb === 'count')
      return plan(await api.post<DeadLetterReplayPlanJson>(`${BASE}/replay`, { ...body, dry_run: true }));
    const begun = await api.post<DeadLetterReplayJson>(`${BASE}/replay`, body);
    return toTheEnd(api, begun, LOOK_MS);
  }
  const [id, ...reason] = operands;
  if (verb.startsWith('dlq_') && id === undefined) return one(await api.get<DeadLetterInFullJson>(`${BASE}/${verb}`));
  if (id === undefined) throw new CommandError(`dead-letters ${verb} takes an id`, EXIT.usage);
  const path = encodeURIComponent(id);
  switch (verb) {
    case 'replay':
    case 'restore':
      return one(await api.post<DeadLetterInFullJson>(`${BASE}/${path}/${verb}`, {}));
    case 'discard':
      return one(await api.post<DeadLetterInFullJson>(`${BASE}/${path}/discard`, { reason: reason.join(' ') }));
    case 'progress':
      return job(await api.get<DeadLetterReplayJson>(`${BASE}/replays/${path}`));
    case 'stop':
      return job(await api.post<DeadLetterReplayJson>(`${BASE}/replays/${path}/stop`, {}));
    default:
      throw new CommandError(`dead-letters does not know ${verb}; see --help`, EXIT.usage);
  }
};

/** `name=value` operands as the body of a replay. @throws CommandError for any other. */
export function readFilter(operands: readonly string[]): { filter: Record<string, string>; rate_per_second?: number } {
  const filter: Record<string, string> = {};
  let rate: number | undefined;
  for (const operand of operands) {
    const [, name, value] = /^([a-z]+)=(.+)$/.exec(operand) ?? [];
    const known = FILTERS.find((each) => each === name);
    if (known !== undefined && value !== undefined) filter[known] = value;
    else if (name === 'rate' && /^[0-9]+$/.test(value ?? '')) rate = Number(value);
    else
      throw new CommandError(
        `${operand}? There are ${FILTERS.map((each) => `${each}=…`).join(', ')} and rate=<a second>`,
        EXIT.usage,
      );
  }
  return rate === undefined ? { filter } : { filter, rate_per_second: rate };
}

/** Looks at a job until it runs no more, and until what it replayed has taken effect or failed, a while at most. */
export async function toTheEnd(
  api: Parameters<Command>[0],
  begun: DeadLetterReplayJson,
  lookMs: number,
): Promise<Report> {
  let now = begun;
  for (let looks = 0; now.state === 'RUNNING' || (unsettled(now) && looks < 10);) {
    await sleep(lookMs);
    now = await api.get<DeadLetterReplayJson>(`${BASE}/replays/${begun.id}`);
    if (now.state !== 'RUNNING') looks += 1;
  }
  return job({ ...now, unreachable: [...new Set([...begun.unreachable, ...now.unreachable])] });
}

const unsettled = ({ replayed, took_effect: done, failed_again: failed }: DeadLetterReplayJson) =>
  done + failed < replayed;

function groups(json: DeadLetterGroupListJson): Report {
  const rows = json.data.map(({ count, service, type, cause, oldest_at: at, error }) => [
    ...[String(count), service, type ?? '?', cause, at],
    error.slice(0, 120),
  ]);
  const heads = ['count', 'service', 'type', 'cause', 'oldest', 'newest error'];
  const lines = rows.length === 0 ? ['No letter is open.'] : table(heads, rows);
  return { json, lines: [...lines, ...missing(json.unreachable)] };
}

function newest(json: DeadLetterListJson): Report {
  const rows = json.data.map(({ id, created_at: at, consumer, type, cause, error }) => [
    ...[id, at, consumer, type ?? '?', cause],
    error.slice(0, 120),
  ]);
  const lines =
    rows.length === 0 ? ['No letter is open.'] : table(['id', 'since', 'consumer', 'type', 'cause', 'error'], rows);
  return { json, lines: [...lines, ...missing(json.unreachable)] };
}

function one(json: DeadLetterInFullJson): Report {
  const { id, state, consumer, type, cause, error, waiting, errors, acts, headers, payload } = json;
  return {
    json,
    lines: [
      `${bold(id)}  ${state}  ${consumer}  ${type ?? '?'}`,
      `${cause}: ${error}`,
      `${waiting} later events of ${json.ordering_key ?? 'nobody'} wait for it`,
      ...errors.map(({ attempt, at, error: why }) => `  ${at}  attempt ${attempt}: ${why}`),
      ...acts.map(({ at, act, actor, reason }) => `  ${at}  ${act} by ${actor}${reason === null ? '' : `: ${reason}`}`),
      ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`),
      payload,
    ],
  };
}

function plan(json: DeadLetterReplayPlanJson): Report {
  const rows = json.services.map(({ service, replayable, unreadable }) => [
    ...[service, String(replayable), String(unreadable)],
  ]);
  return { json, lines: [...table(['service', 'replayable', 'unreadable'], rows), ...missing(json.unreachable)] };
}

function job(json: DeadLetterReplayJson): Report {
  const rows = json.services.map((part) => [
    ...[part.service, part.state],
    ...[part.total, part.waiting, part.replayed, part.took_effect, part.failed_again, part.skipped].map(String),
  ]);
  const heads = ['service', 'state', 'letters', 'waiting', 'replayed', 'took effect', 'failed again', 'skipped'];
  return {
    json,
    lines: [`${bold(json.id)}  ${json.state}`, ...table(heads, rows), ...missing(json.unreachable)],
    exitCode: json.failed_again > 0 || json.unreachable.length > 0 ? EXIT.refused : 0,
  };
}
