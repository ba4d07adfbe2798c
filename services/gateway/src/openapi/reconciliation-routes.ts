import { list } from '@holdfast/shared/contracts/common';
import {
  finding,
  findingListQuery,
  resolveFindingBody,
  sweep,
  sweepBody,
  sweepListQuery,
} from '@holdfast/shared/contracts/reconciliation';
import type { ApiRoute } from './route.ts';

const reconciliation = { tag: 'Reconciliation', target: 'payment', access: 'user', role: 'operator' } as const;
const HONOURED = ['idempotency_key_invalid', 'idempotency_key_reused', 'idempotency_in_progress'] as const;

export const RECONCILIATION_ROUTES: readonly ApiRoute[] = [
  {
    ...reconciliation,
    method: 'get',
    path: '/v1/ops/reconciliation/findings',
    operationId: 'listReconciliationFindings',
    summary: "Where the provider's books and ours differ, oldest first",
    query: findingListQuery,
    answers: { 200: { description: 'A page of findings', schema: list(finding) } },
    problems: ['forbidden'],
  },
  {
    ...reconciliation,
    method: 'post',
    path: '/v1/ops/reconciliation/findings/:id/resolve',
    operationId: 'resolveReconciliationFinding',
    summary: 'Close a finding that a person has dealt with; nothing is moved',
    idempotency: 'honoured',
    body: resolveFindingBody,
    answers: { 200: { description: 'RESOLVED', schema: finding } },
    problems: [...HONOURED, 'forbidden', 'not_found', 'finding_closed'],
  },
  {
    ...reconciliation,
    method: 'post',
    path: '/v1/ops/reconciliation/findings/:id/refund',
    operationId: 'refundReconciliationFinding',
    summary: 'Pay back all that the provider took without a payment of ours',
    idempotency: 'required',
    body: resolveFindingBody,
    answers: { 202: { description: 'Written down; the finding is RESOLVED once it is done', schema: finding } },
    problems: [
      ...['forbidden', 'not_found', 'finding_closed', 'finding_not_refundable', 'finding_refund_under_way'],
    ] as const,
  },
  {
    ...reconciliation,
    method: 'post',
    path: '/v1/ops/reconciliation/sweeps',
    operationId: 'requestReconciliationSweep',
    summary: "Compare the provider's books with ours now, in both directions",
    idempotency: 'honoured',
    body: sweepBody,
    answers: {
      202: { description: 'Written down; Location shows how far it is', schema: sweep, carries: ['Location'] },
    },
    problems: [...HONOURED, 'forbidden'],
  },
  {
    ...reconciliation,
    method: 'get',
    path: '/v1/ops/reconciliation/sweeps',
    operationId: 'listReconciliationSweeps',
    summary: 'The sweeps, newest first',
    query: sweepListQuery,
    answers: { 200: { description: 'A page of sweeps', schema: list(sweep) } },
    problems: ['forbidden'],
  },
  {
    ...reconciliation,
    method: 'get',
    path: '/v1/ops/reconciliation/sweeps/:id',
    operationId: 'getReconciliationSweep',
    summary: 'How a sweep stands',
    answers: { 200: { description: 'The sweep', schema: sweep } },
    problems: ['forbidden', 'not_found'],
  },
];
