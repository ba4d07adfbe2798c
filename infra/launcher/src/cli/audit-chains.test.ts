import { expect, test } from '@jest/globals';
import type { AuditChainStateJson, AuditVerificationJson } from '@holdfast/shared/contracts/audit';
import { verifyChains } from './audit-chains.ts';

const chain = (over: Partial<AuditChainStateJson>): AuditChainStateJson => ({
  ...{ service: 'booking', status: 'ok', started_at: null, older: 0, head: { seq: 9, hash: 'abc' } },
  ...{ verified_through: 9, waiting: 0, broken: [], ...over },
});

/** A gateway that gives these answers by path. */
function answering(answers: Readonly<Record<string, Partial<AuditVerificationJson>>>) {
  const asked: string[] = [];
  const get = <T>(path: string): Promise<T> => {
    asked.push(path);
    const answer = { object: 'audit_verification', status: 'ok', services: [], unreachable: [], as_of: '' };
    return Promise.resolve({ ...answer, ...answers[path] } as T);
  };
  return { get, asked };
}

test('a chain that takes several calls is followed to its end, and what is found on the way counts', async () => {
  const problem = { seq: 8, audit_id: 'aud_8', problem: 'changed' as const };
  const api = answering({
    '/v1/ops/audit/verify': { services: [chain({ status: 'incomplete', verified_through: 3 })] },
    '/v1/ops/audit/verify?service=booking&after=3': {
      services: [chain({ status: 'incomplete', verified_through: 6 })],
    },
    '/v1/ops/audit/verify?service=booking&after=6': { services: [chain({ status: 'broken', broken: [problem] })] },
  });
  const report = await verifyChains(api);
  expect(api.asked).toHaveLength(3);
  expect(report).toMatchObject({ exitCode: 1, json: { status: 'broken' } });
  expect(report.lines.join('\n')).toContain('booking: changed at link 8 (aud_8)');
});

test('whole chains are ok; a service that does not answer is not', async () => {
  const whole = { services: [chain({}), chain({ service: 'payment' })] };
  expect(await verifyChains(answering({ '/v1/ops/audit/verify': whole }))).toMatchObject({ exitCode: 0 });
  const away = { ...whole, unreachable: ['notification'] };
  expect(await verifyChains(answering({ '/v1/ops/audit/verify': away }))).toMatchObject({
    ...{ exitCode: 1, json: { status: 'incomplete' } },
  });
});

test('a service that goes away half-way leaves its chain open', async () => {
  const api = answering({
    '/v1/ops/audit/verify': { services: [chain({ status: 'incomplete', verified_through: 3 })] },
    '/v1/ops/audit/verify?service=booking&after=3': { unreachable: ['booking'] },
  });
  expect(await verifyChains(api)).toMatchObject({ exitCode: 1, json: { status: 'incomplete' } });
});
