import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { IntegrityJson, InvariantResultJson } from '@holdfast/shared/contracts/integrity';
import { ageText } from './delivery-rows.ts';
import { CommandError, EXIT } from './gateway-client.ts';
import type { Command, Report } from './report.ts';
import { table } from './table.ts';

const PATH = '/v1/ops/integrity';
/** How often a run that is under way is looked at. */
const LOOK_MS = 1_000;
/** A run that takes longer is shown as far as it is: each check ends within 10 s, so something is wrong with it. */
const MAX_LOOKS = 600;

/** `integrity`: what the last checks found; `integrity run`: checks everything now and waits for the end. */
export const integrity: Command = async (api, operands) => {
  const [verb, ...more] = operands;
  if (more.length > 0 || (verb !== undefined && verb !== 'run')) {
    throw new CommandError('integrity takes run, or nothing', EXIT.usage);
  }
  if (verb === undefined) return integrityReport(await api.get<IntegrityJson>(PATH));
  const begunAt = new Date().toISOString();
  return runToTheEnd(api, begunAt, LOOK_MS, (line) => void process.stderr.write(`${line}\n`));
};

/**
 * Starts a run and looks every `lookMs` until no service runs any more. `say` gets a line whenever more checks are done; one counts as
 * done when its last run is not before `begunAt`.
 */
export async function runToTheEnd(
  api: Parameters<Command>[0],
  begunAt: string,
  lookMs: number,
  say: (line: string) => void,
): Promise<Report> {
  let now = await api.post<IntegrityJson>(`${PATH}/run`, {});
  // A service that did not answer in time may run all the same; the last word about it is that of the last look.
  for (let looks = 0, told = ''; now.running && looks < MAX_LOOKS; looks += 1) {
    const done = now.data.filter(({ last_run_at: at }) => at !== null && at >= begunAt).length;
    const line = `${done} of ${now.data.length} checks are done`;
    if (line !== told) say(line);
    told = line;
    await sleep(lookMs);
    now = await api.get<IntegrityJson>(PATH);
  }
  const report = integrityReport(now);
  return now.running ? { ...report, exitCode: EXIT.refused } : report;
}

/** A line for each invariant, the broken ones first and with examples. Exit code 1 when one is broken or was not checked to its end. */
export function integrityReport(json: IntegrityJson): Report {
  const order = ['violated', 'failed', 'pending', 'ok'];
  const sorted = json.data.toSorted((one, other) => order.indexOf(one.status) - order.indexOf(other.status));
  const rows = sorted.map((result) => [
    ...[result.service, result.name, statusText(result), String(result.violations)],
    ...[ageOf(result.last_run_at, json.as_of), result.every],
    result.error ?? result.description,
  ]);
  const broken = sorted.filter(({ status }) => status === 'violated' || status === 'failed');
  return {
    json,
    lines: [
      ...table(['service', 'invariant', 'status', 'rows', 'checked', 'each', 'must be so'], rows),
      ...broken.flatMap(({ name, examples, violated_since: since }) =>
        examples.map((example) => `${name} since ${since ?? '?'}: ${JSON.stringify(example)}`),
      ),
      ...json.unreachable.map((service) => styleText('red', `${service} did not answer: its part is missing`)),
      broken.length === 0
        ? summary(json)
        : `${broken.length} broken: docs/runbooks/integrity.md says what each one means.`,
    ],
    exitCode: broken.length > 0 || json.unreachable.length > 0 ? EXIT.refused : 0,
  };
}

const COLOURS = { ok: 'green', violated: 'red', failed: 'red', pending: 'yellow' } as const;

function statusText({ status }: InvariantResultJson): string {
  return styleText(COLOURS[status], status);
}

function ageOf(at: string | null, asOf: string): string {
  return at === null ? 'never' : ageText(Math.max(0, (Date.parse(asOf) - Date.parse(at)) / 1_000));
}

function summary({ data, status }: IntegrityJson): string {
  const pending = data.filter((each) => each.status === 'pending').length;
  if (status === 'ok') return `All ${data.length} invariants hold.`;
  return `None is broken; ${pending} of ${data.length} have not been checked yet. integrity run checks them now.`;
}
