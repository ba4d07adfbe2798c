import type { BenchResult, Line } from './result.ts';

const COLUMNS = ['', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'each round', 'others %', 'not held'] as const;

/** The result as text for a terminal. */
export function toTable(result: BenchResult): string {
  const rows = [COLUMNS, ...result.lines.map(toRow)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, '-'.repeat(Math.max(...lines.map((line) => line.length))));
  lines.push('');
  for (const { line, of, value, perRound, reach } of result.ratios) {
    const rounds = perRound.map((ratio) => ratio.toFixed(2)).join(', ');
    lines.push(`${line} = ${value.toFixed(2)} x ${of} (rounds ${rounds}; to reach: ${reach})`);
  }
  for (const { name, perSecond, atLeast } of result.lines) {
    if (atLeast !== undefined) lines.push(`${name} = ${figure(perSecond, 0)} a second (to reach: ${atLeast})`);
  }
  for (const { line, percentile, value, of, atMost } of result.latencies) {
    const name = `${line} ${percentile.slice(0, 3)}`;
    if (of === undefined) lines.push(`${name} = ${value.toFixed(1)} ms (to stay within: ${atMost} ms)`);
    else lines.push(`${name} = ${value.toFixed(2)} x ${of} (to stay within: ${atMost})`);
  }
  for (const { name, cpuUs } of result.lines) {
    const { total = 0, ...parts } = cpuUs;
    if (total === 0) continue;
    const used = Object.entries(parts).filter(([, us]) => us > 0);
    lines.push(`CPU µs per ${name}: ${total} (${used.map(([part, us]) => `${part} ${us}`).join(', ')})`);
  }
  if (result.holdBatch !== null) {
    const { batches, meanSize } = result.holdBatch;
    lines.push(`holds in one transaction: ${meanSize.toFixed(1)} on average over ${batches} batches`);
  }
  lines.push('others %: share of the machine that other programs used during each round');
  const memory = Object.entries(result.memoryMiB).map(([name, size]) => `${name} ${size}`);
  lines.push(`memory in MiB at the end: ${memory.join(', ')}`, '');
  for (const { what, broken } of result.invariants) {
    lines.push(broken === 0 ? `  holds   ${what}` : `  BROKEN  ${what}: ${broken} times`);
  }
  for (const { bench, reason } of result.failed) lines.push(`  FAILED  ${bench}, ${reason}`);
  const { machine, versions, postgres, loadBefore } = result.environment;
  lines.push(
    '',
    `${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB; load ${loadBefore} before the first measurement`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    `fsync ${postgres['fsync']}, synchronous_commit ${postgres['synchronous_commit']}; ${result.settings.rounds} rounds of ${result.settings.seconds} s, medians`,
  );
  return `${lines.join('\n')}\n`;
}

function toRow(line: Line): string[] {
  const failures = Object.entries(line.failures).map(([outcome, count]) => `${outcome}: ${count}`);
  return [
    line.label,
    figure(line.perSecond, 0),
    figure(line.p50Ms, 1),
    figure(line.p95Ms, 1),
    figure(line.p99Ms, 1),
    line.samples.map(({ perSecond }) => figure(perSecond, 0)).join(' '),
    line.samples.map(({ othersShare }) => (othersShare === null ? '?' : figure(othersShare * 100, 0))).join(' '),
    failures.join(' '),
  ];
}

function figure(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '';
}
