import { describe, expect, test } from '@jest/globals';
import { PROBLEMS, Problem, type ProblemCode } from './problems.ts';

const codes = Object.keys(PROBLEMS) as ProblemCode[];

describe('every code of the registry', () => {
  test.each(codes)('%s: a snake_case code, an error status, words for people', (code) => {
    const definition = PROBLEMS[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(definition.status).toBeGreaterThanOrEqual(400);
    expect(definition.status).toBeLessThan(600);
    expect(definition.title.length).toBeGreaterThan(5);
    expect(definition.about.length).toBeGreaterThan(5);
  });

  test.each(codes)('%s: makes a body with all members of api.md', (code) => {
    const body = new Problem(code).toBody('req_1');
    expect(body).toEqual({
      type: `/problems/${code}`,
      title: PROBLEMS[code].title,
      status: PROBLEMS[code].status,
      detail: PROBLEMS[code].about,
      code,
      request_id: 'req_1',
      retryable: PROBLEMS[code].retryable,
    });
  });
});

test('a refusal that passes says when to come back', () => {
  for (const code of codes) {
    const headers = new Problem(code).headers;
    const { status } = PROBLEMS[code];
    if (status === 503 || status === 429 || code === 'idempotency_in_progress') {
      expect(headers['Retry-After']).toMatch(/^\d+$/);
    }
    expect('WWW-Authenticate' in headers).toBe(status === 401);
  }
  expect(new Problem('rate_limited', { headers: { 'Retry-After': '30' } }).headers['Retry-After']).toBe('30');
});

test('detail, wrong fields and extensions stand beside the standard members and do not replace them', () => {
  const problem = new Problem('inventory_unavailable', {
    detail: 'A-12 is taken',
    errors: [{ pointer: '/seats/0', code: 'taken', message: 'taken' }],
    extensions: { unavailable: ['A-12'] },
  });
  expect(problem.toBody('req_1')).toMatchObject({
    status: 409,
    code: 'inventory_unavailable',
    detail: 'A-12 is taken',
    errors: [{ pointer: '/seats/0' }],
    unavailable: ['A-12'],
  });
});
