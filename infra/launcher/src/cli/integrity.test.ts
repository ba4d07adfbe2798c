import { expect, test } from '@jest/globals';
import type { IntegrityJson, InvariantResultJson } from '@holdfast/shared/contracts/integrity';
import { integrity, integrityReport, runToTheEnd } from './integrity.ts';

const BEGUN = '2027-01-04T18:00:00.000Z';
const AS_OF = '2027-01-04T18:02:00.000Z';
const result = (over: Partial<InvariantResultJson> = {}): InvariantResultJson => ({
  ...{ service: 'booking', name: 'pool_counter', description: 'the sum', every: 'hour', status: 'ok', violations: 0 },
  ...{ examples: [], violated_since: null, last_run_at: BEGUN, duration_ms: 3, error: null, ...over },
});
const answer = (data: InvariantResultJson[], over: Partial<IntegrityJson> = {}): IntegrityJson => ({
  ...{ object: 'list', data, has_more: false, next_cursor: null, status: 'ok', running: false, unreachable: [] },
  ...{ as_of: AS_OF, ...over },
});

test('what is broken comes first, with its rows, and ends the command with 1', () => {
  const broken = result({
    ...{ name: 'captured_once', status: 'violated', violations: 7, violated_since: BEGUN },
    examples: [{ payment_id: 'pay_1' }],
  });
  const { lines, exitCode } = integrityReport(answer([result(), broken], { status: 'violated' }));
  expect(exitCode).toBe(1);
  expect(lines[1]).toMatch(/captured_once .*violated.* 7 +2 min/);
  expect(lines.join('\n')).toContain(`captured_once since ${BEGUN}: {"payment_id":"pay_1"}`);
  expect(lines.at(-1)).toContain('docs/runbooks/integrity.md');
});

test.each([
  ['all hold', answer([result()]), 0],
  ['one was not checked yet', answer([result({ status: 'pending', last_run_at: null })], { status: 'incomplete' }), 0],
  ['a check did not end', answer([result({ status: 'failed', error: 'timeout' })], { status: 'incomplete' }), 1],
  ['a service did not answer', answer([result()], { status: 'incomplete', unreachable: ['payment'] }), 1],
])('%s', (_, json, code) => {
  expect(integrityReport(json).exitCode).toBe(code);
});

test('a run is followed to its end, and each step of it is told once', async () => {
  const old = result({ last_run_at: '2027-01-04T17:00:00.000Z' });
  const answers = [
    answer([old, old], { running: true }),
    answer([old, result()], { running: true }),
    answer([old, result()], { running: true }),
    answer([result(), result()]),
  ];
  const asked: string[] = [];
  const next = <T>(call: string): Promise<T> => {
    asked.push(call);
    return Promise.resolve(answers[asked.length - 1] as T);
  };
  const said: string[] = [];
  const api = { get: <T>(path: string) => next<T>(path), post: <T>(path: string) => next<T>(`POST ${path}`) };
  const report = await runToTheEnd(api, BEGUN, 1, (line) => said.push(line));
  expect(report).toMatchObject({ exitCode: 0, json: { running: false } });
  expect(asked).toEqual(['POST /v1/ops/integrity/run', ...Array<string>(3).fill('/v1/ops/integrity')]);
  expect(said).toEqual(['0 of 2 checks are done', '1 of 2 checks are done']);
});

test('another word than run is refused before anything is asked', async () => {
  const never = () => Promise.reject(new Error('asked'));
  for (const operands of [['walk'], ['run', 'now']]) {
    await expect(integrity({ get: never, post: never }, operands)).rejects.toThrow('takes run');
  }
});
