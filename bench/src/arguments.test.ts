import { describe, expect, test } from '@jest/globals';
import { BENCHES } from './registry.ts';
import { readArguments, USAGE, UsageError } from './arguments.ts';

describe('arguments', () => {
  test('without any: every bench, three rounds of ten seconds', () => {
    const { benches, ...rest } = readArguments([]);
    expect(benches.map(({ name }) => name)).toEqual(BENCHES.map(({ name }) => name));
    expect(rest).toEqual({
      ...{ seconds: 10, rounds: 3, patienceSeconds: 15, json: false, profile: false, nodeOptions: '', help: false },
    });
  });

  test('names choose benches; they run in the order of the registry', () => {
    expect(readArguments(['hold']).benches.map(({ name }) => name)).toEqual(['hold']);
    expect(readArguments(['hold', 'floor']).benches.map(({ name }) => name)).toEqual(['floor', 'hold']);
  });

  test.each([[['holt']], [['--seconds', '0']], [['--seconds', 'ten']], [['--rounds', '1.5']], [['--fast']]])(
    '%j is wrong usage',
    (args) => {
      expect(() => readArguments(args)).toThrow(UsageError);
    },
  );

  test('the help names every bench', () => {
    expect(USAGE).toContain('floor');
    expect(USAGE).toContain('hold');
  });
});
