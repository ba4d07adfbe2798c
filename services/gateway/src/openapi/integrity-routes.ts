import { integrity } from '@holdfast/shared/contracts/integrity';
import type { ApiRoute } from './route.ts';

const operator = { tag: 'Operations', target: 'gateway', access: 'user', role: 'operator' } as const;

/** What must be so in the data, and whether it is. */
export const INTEGRITY_ROUTES: readonly ApiRoute[] = [
  {
    ...operator,
    method: 'get',
    path: '/v1/ops/integrity',
    operationId: 'getIntegrity',
    summary: 'Each invariant of the data with the rows that break it at its last run',
    answers: { 200: { description: 'Of every service', schema: integrity } },
    problems: ['forbidden'],
  },
  {
    ...operator,
    method: 'post',
    path: '/v1/ops/integrity/run',
    operationId: 'runIntegrity',
    summary: 'Check every invariant now; what takes longer goes on and is read by GET',
    answers: { 200: { description: 'What is known, with running when a run is still under way', schema: integrity } },
    problems: ['forbidden'],
  },
];
