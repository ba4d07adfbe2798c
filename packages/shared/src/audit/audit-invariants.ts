import type { Invariant } from '../integrity/invariant.ts';
import { judgedLinks } from './verify-audit.ts';

/** Of every service, whose audit log is in `schema`. */
export function auditInvariants(schema: string): readonly Invariant[] {
  return [
    {
      name: 'audit_chained',
      description: 'no entry of the audit log waits for more than a minute for its place in the chain',
      every: 'minute',
      sql: `select audit_id, queued_at from ${schema}.audit_unchained where queued_at <= clock.app_now() - interval '60 seconds'`,
    },
    {
      name: 'audit_chain',
      description: 'each link of the audit log has the hash of its entry and of the link before it',
      every: 'hour',
      sql: `
        select seq, audit_id, problem
          from (${judgedLinks(`${schema}.audit_chain`, `${schema}.audit_log`)}) judged
         where seq > 0 and problem is not null`,
    },
  ];
}
