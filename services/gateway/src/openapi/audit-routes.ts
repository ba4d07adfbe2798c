import {
  auditEntry,
  auditList,
  auditQuery,
  auditVerification,
  restoreAuditBody,
  verifyAuditFields,
} from '@holdfast/shared/contracts/audit';
import { z } from 'zod';
import type { ApiRoute } from './route.ts';

const operator = { method: 'get', tag: 'Operations', target: 'gateway', access: 'user', role: 'operator' } as const;

/** What people did by hand, in every service. */
export const AUDIT_ROUTES: readonly ApiRoute[] = [
  {
    ...operator,
    path: '/v1/ops/audit',
    operationId: 'listAudit',
    summary: 'Who did what to which object, with its values before and after, newest first',
    query: auditQuery,
    answers: { 200: { description: 'A page of the logs of all services', schema: auditList } },
    problems: ['forbidden'],
  },
  {
    ...operator,
    path: '/v1/ops/audit/verify',
    operationId: 'verifyAudit',
    summary: 'Compute the chains of hashes anew: entries that were changed, moved or taken away are named',
    query: verifyAuditFields,
    answers: { 200: { description: 'What was found, and the end of each chain', schema: auditVerification } },
    problems: ['forbidden'],
  },
  {
    ...operator,
    path: '/v1/ops/audit/:id',
    operationId: 'getAuditEntry',
    summary: 'One entry with its place in the chain',
    answers: { 200: { description: 'The entry', schema: auditEntry } },
    problems: ['forbidden', 'not_found', 'dependency_unavailable'],
  },
  {
    ...operator,
    method: 'post',
    role: 'admin',
    path: '/v1/ops/audit/:id/restore',
    operationId: 'restoreAuditEntry',
    summary: 'Bring an object of the catalogue back to what it was before an entry, by a change of today',
    body: restoreAuditBody,
    answers: {
      200: {
        description: 'The object as it is now',
        schema: z.looseObject({ id: z.string(), version: z.number().int() }),
      },
    },
    problems: [
      'forbidden',
      'not_found',
      'audit_not_restorable',
      'archived',
      'in_use',
      'event_cancelled',
      'dependency_unavailable',
    ],
  },
];
