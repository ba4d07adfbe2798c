import { listAudit, readAuditEntry } from '@holdfast/shared/audit/read-audit';
import { verifyAudit } from '@holdfast/shared/audit/verify-audit';
import {
  auditChainState,
  auditEntry,
  type AuditChainStateJson,
  type AuditEntryJson,
  type AuditListJson,
  type AuditQuery,
  type AuditVerificationJson,
  type VerifyAuditQuery,
} from '@holdfast/shared/contracts/audit';
import { list } from '@holdfast/shared/contracts/common';
import type { Pool } from '@holdfast/shared/db/pool';
import { decodeCursor } from '@holdfast/shared/http/pagination';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { Pool as Upstream } from 'undici';
import { answerOf, askEach, askService } from '../proxy/ask-service.ts';
import { askToAct } from '../proxy/ask-to-act.ts';
import { mergePages } from '../proxy/merge-pages.ts';

/** The whole answer comes within 3 s, whichever service is away. */
const LIMIT_MS = 2_000;
const OWN = 'gateway';

/** The services to ask, in whose name, and the gateway's own database. */
export interface Asking {
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly assertion: string;
  readonly pool: Pool;
}

/**
 * A page of the audit logs of all services, newest first. A service that does not answer is named in `unreachable`; a page must not look
 * complete without it. @throws Problem `validation_failed` for a bad cursor.
 */
export async function gatherAudit(asking: Asking, query: AuditQuery): Promise<AuditListJson> {
  const { service, ...rest } = query;
  decodeCursor(query.cursor, 1);
  const question = { path: `/internal/audit?${search(rest)}`, assertion: asking.assertion, limitMs: LIMIT_MS };
  const { answers, unreachable } = await askEach(wanted(asking, service), (upstream) =>
    upstream === null ? listAudit(asking.pool, OWN, rest) : answerOf(upstream, question, list(auditEntry)),
  );
  return { ...mergePages<AuditEntryJson>(answers, query.limit), unreachable };
}

/**
 * The entry of this id, whichever service has it. @throws Problem `not_found`; `dependency_unavailable` when no service has it and one
 * that might did not answer.
 */
export async function findAuditEntry(asking: Asking, id: string): Promise<AuditEntryJson> {
  if (!isId('aud', id)) throw new Problem('not_found');
  const { answers, unreachable } = await askEach(wanted(asking, undefined), (upstream) =>
    upstream === null ? ownEntry(asking.pool, id) : entryOf(upstream, asking.assertion, id),
  );
  const found = answers.find((answer) => answer !== null);
  if (found) return found;
  throw new Problem(unreachable.length > 0 ? 'dependency_unavailable' : 'not_found');
}

async function ownEntry(pool: Pool, id: string): Promise<AuditEntryJson | null> {
  try {
    return await readAuditEntry(pool, OWN, id);
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_found') return null;
    throw error;
  }
}

async function entryOf(upstream: Upstream, assertion: string, id: string): Promise<AuditEntryJson | null> {
  const { status, text } = await askService(upstream, {
    path: `/internal/audit/${id}`,
    assertion,
    limitMs: LIMIT_MS,
  });
  if (status === 404) return null;
  if (status !== 200) throw new Error(`it answered ${status}`);
  return auditEntry.parse(JSON.parse(text));
}

/** Whether each chain is whole. What is not known is not fine: a service that does not answer makes it `incomplete`. */
export async function gatherVerification(asking: Asking, query: VerifyAuditQuery): Promise<AuditVerificationJson> {
  const { service, ...rest } = query;
  const question = { path: `/internal/audit/verify?${search(rest)}`, assertion: asking.assertion, limitMs: LIMIT_MS };
  const { answers, unreachable } = await askEach<Upstream | null, AuditChainStateJson>(
    wanted(asking, service),
    (upstream) =>
      upstream === null ? verifyAudit(asking.pool, OWN, rest) : answerOf(upstream, question, auditChainState),
  );
  const statuses = answers.map(({ status }) => status);
  const incomplete = unreachable.length > 0 || statuses.includes('incomplete');
  return {
    object: 'audit_verification',
    status: statuses.includes('broken') ? 'broken' : incomplete ? 'incomplete' : 'ok',
    services: answers,
    unreachable,
    as_of: new Date().toISOString(),
  };
}

/**
 * Has the service that owns an entry bring its object back to what it was before: a change like any other, of today.
 * @throws Problem as `findAuditEntry` does, `audit_not_restorable`, or the service's own refusal.
 */
export async function restoreAuditEntry(asking: Asking, id: string, body: object): Promise<unknown> {
  const { service } = await findAuditEntry(asking, id);
  if (service !== 'booking') throw new Problem('audit_not_restorable');
  return askToAct(asking.upstreams[service]!, service, {
    ...{ path: `/internal/audit/${id}/restore`, body, assertion: asking.assertion, limitMs: LIMIT_MS },
  });
}

/** Whom to ask; null is the gateway itself. */
function wanted(asking: Asking, service: string | undefined): Record<string, Upstream | null> {
  const all = Object.entries({ ...asking.upstreams, [OWN]: null });
  return Object.fromEntries(all.filter(([name]) => service === undefined || name === service));
}

function search(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
}
