import { parseArgs } from 'node:util';
import { BENCHES } from './registry.ts';
import type { Bench } from './bench.ts';

export interface BenchArguments {
  readonly benches: readonly Bench[];
  readonly seconds: number;
  readonly rounds: number;
  readonly patienceSeconds: number;
  readonly json: boolean;
  readonly profile: boolean;
  readonly nodeOptions: string;
  readonly help: boolean;
}

/** Wrong usage; the message says what is wrong. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export const USAGE = `npm run bench [-- names] [options]

Starts a stack of its own in production configuration, measures, checks every invariant, prints a table, and keeps the figures as
JSON and SVG in bench/results/. Exit code 0: measured and every invariant holds; 1: something failed or an invariant is broken;
64: wrong arguments.

${BENCHES.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}

  --seconds n   length of each measurement (10)
  --rounds n    how often the benches alternate; the table shows medians (3)
  --patience n  wait up to n seconds before each measured round for other work on the machine to end (15)
  --json        print the result as one JSON object on stdout, progress on stderr
  --node-options '--…'  options for the stack's Node processes, to try something out
  --profile     write CPU profiles of the stack's Node processes beside the results
  --help        this text
`;

/** Reads the command line. @throws UsageError. */
export function readArguments(args: readonly string[]): BenchArguments {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '10' },
        rounds: { type: 'string', default: '3' },
        patience: { type: 'string', default: '15' },
        json: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        'node-options': { type: 'string', default: '' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const known = BENCHES.map(({ name }) => name).join(', ');
    throw new UsageError(`there is no bench called ${unknown.join(', ')}; there are ${known}`);
  }
  return {
    benches: BENCHES.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    seconds: wholeNumber('--seconds', values.seconds, 3_600),
    rounds: wholeNumber('--rounds', values.rounds, 1_000),
    patienceSeconds: wholeNumber('--patience', values.patience, 3_600),
    json: values.json,
    profile: values.profile,
    nodeOptions: values['node-options'],
    help: values.help,
  };
}

function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new UsageError(`${option} must be a whole number from 1 to ${most}`);
  }
  return value;
}
