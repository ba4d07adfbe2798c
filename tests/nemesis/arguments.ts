import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { LEAST_SECONDS } from './plan.ts';

export interface NemesisArguments {
  /** The first seed; those after it follow by ones. */
  readonly seed: number;
  readonly seeds: number;
  readonly seconds: number;
  readonly answerMs: number;
  readonly json: boolean;
}

/** Reads the command line. @throws Error saying what is wrong. */
export function readArguments(args: readonly string[]): NemesisArguments {
  const whole = (name: string, text: string, least: number) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
      throw new Error(`--${name} must be a whole number from ${least} on`);
    return value;
  };
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '30' },
      'answer-ms': { type: 'string', default: '3000' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    seed: values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed, 0),
    seeds: whole('seeds', values.seeds, 1),
    seconds: whole('seconds', values.seconds, LEAST_SECONDS),
    answerMs: whole('answer-ms', values['answer-ms'], 1),
    json: values.json,
  };
}
