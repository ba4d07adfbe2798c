import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { humanText, id, instant, list } from './common.ts';

/** The services that keep an audit log. */
export const AUDITED_SERVICES = ['gateway', 'booking', 'payment', 'notification'] as const;

const text = z
  .string()
  .min(1)
  .max(200)
  .refine((value) => !value.includes('\0'), 'must not contain control characters');
const filter = {
  entity: text.optional().meta({ description: 'id of what was changed' }),
  actor: text.optional().meta({ description: 'id of who did it' }),
};
const service = z.enum(AUDITED_SERVICES);

/** What a service is asked by the gateway. */
export const ownAuditQuery = z.strictObject({ ...pageQuery, ...filter });
export type OwnAuditQuery = z.output<typeof ownAuditQuery>;
export const auditQuery = z.strictObject({ ...pageQuery, service: service.optional(), ...filter });
export type AuditQuery = z.output<typeof auditQuery>;

const object = z.record(z.string(), z.unknown());

/** Who did what to which object, and how it was before and after. */
export const auditEntry = z
  .object({
    id: id('aud'),
    object: z.literal('audit_entry'),
    service: z.string(),
    at: instant,
    actor: z.string(),
    role: z.string(),
    action: z.string(),
    entity: z.object({ kind: z.string(), id: z.string() }),
    before: object.nullable().meta({ description: 'null where it was created' }),
    after: object,
    reason: z.string().nullable(),
    request_id: z.string(),
    /** Null for a second or so, until it is in the chain. */
    chain: z.object({ seq: z.number().int(), hash: z.string() }).nullable(),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntryJson = z.input<typeof auditEntry>;

const unreachable = z.array(z.string()).meta({ description: 'services that did not answer: theirs are missing here' });
export const auditList = list(auditEntry).extend({ unreachable }).meta({ id: 'AuditEntryList' });
export type AuditListJson = z.input<typeof auditList>;

export const restoreAuditBody = z
  .strictObject({ reason: humanText(10, 500).optional() })
  .meta({ id: 'RestoreAuditEntry' });

const seq = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const HASH = /^[0-9a-f]{64}$/;
const position = {
  after: seq.optional().meta({ description: 'goes on behind this link: verified_through of an answer before' }),
  seq: seq.optional().meta({ description: 'with hash: a link that was noted earlier and must still be there' }),
  hash: z.string().regex(HASH, 'must be 64 hexadecimal digits').optional(),
};
const bothOrNone = (query: { seq?: number | undefined; hash?: string | undefined }) =>
  (query.seq === undefined) === (query.hash === undefined);
const SEQ_WITH_HASH = { message: 'seq and hash are given together', path: ['hash'] };

export const ownVerifyAuditQuery = z.strictObject(position).refine(bothOrNone, SEQ_WITH_HASH);
export type OwnVerifyAuditQuery = z.output<typeof ownVerifyAuditQuery>;
/** Positions are of one service's chain. */
export const verifyAuditFields = z.strictObject({ service: service.optional(), ...position });
export const verifyAuditQuery = verifyAuditFields
  .refine(bothOrNone, SEQ_WITH_HASH)
  .refine((query) => query.service !== undefined || (query.after === undefined && query.seq === undefined), {
    message: 'after, seq and hash need service',
    path: ['service'],
  });
export type VerifyAuditQuery = z.output<typeof verifyAuditQuery>;

const STATUSES = ['ok', 'broken', 'incomplete'] as const;

/** What became of a link: its entry is another or in another place, its entry is gone, a link is gone, the entry never got one. */
export const AUDIT_PROBLEMS = ['changed', 'entry_removed', 'link_removed', 'unchained', 'noted_link_gone'] as const;

export const auditChainState = z.object({
  service: z.string(),
  status: z.enum(STATUSES).meta({ description: 'incomplete: sound so far, and more to look at' }),
  started_at: instant
    .nullable()
    .meta({ description: 'when the chain began; what is older was taken in as it was found' }),
  older: z.number().int().meta({ description: 'entries that are older than the chain' }),
  head: z.object({ seq: z.number().int(), hash: z.string() }).nullable(),
  verified_through: z.number().int(),
  waiting: z.number().int().meta({ description: 'entries that will be in the chain in a moment' }),
  broken: z
    .array(
      z.object({ seq: z.number().int().nullable(), audit_id: z.string().nullable(), problem: z.enum(AUDIT_PROBLEMS) }),
    )
    .meta({ description: 'the first 20' }),
});
export type AuditChainStateJson = z.input<typeof auditChainState>;

export const auditVerification = z
  .object({
    object: z.literal('audit_verification'),
    status: z.enum(STATUSES),
    services: z.array(auditChainState),
    unreachable,
    as_of: instant,
  })
  .meta({ id: 'AuditVerification' });
export type AuditVerificationJson = z.input<typeof auditVerification>;
