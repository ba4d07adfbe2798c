import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { humanText, id, instant, list } from './common.ts';

/** The services that consume events, and so may have dead letters. */
export const CONSUMING_SERVICES = ['booking', 'payment', 'notification'] as const;

export const filterText = z
  .string()
  .min(1)
  .max(200)
  .refine((value) => !value.includes('\0'), 'must not contain control characters');
const STATES = ['OPEN', 'REPLAYED', 'DISCARDED'] as const;
const filter = { type: filterText.optional(), cause: filterText.optional(), state: z.enum(STATES).optional() };
const service = z.enum(CONSUMING_SERVICES).optional();

/** What a service is asked by the gateway. */
export const ownDeadLetterQuery = z.strictObject({ ...pageQuery, ...filter });
export type OwnDeadLetterQuery = z.output<typeof ownDeadLetterQuery>;

export const deadLetterQuery = z.strictObject({ ...pageQuery, service, ...filter });
export type DeadLetterQuery = z.output<typeof deadLetterQuery>;
export const deadLetterGroupQuery = z.strictObject({ service });

/** A message that a consumer gave up. */
export const deadLetter = z
  .object({
    id: id('dlq'),
    object: z.literal('dead_letter'),
    service: z.string(),
    consumer: z.string(),
    /** `holdfast.<family>.<name>.v<n>`; null where the payload does not tell. */
    type: z.string().nullable(),
    cause: z.string(),
    error: z.string(),
    /** Deliveries before it was given up. */
    attempts: z.number().int(),
    state: z.enum(STATES),
    event_id: z.string(),
    /** Whose later events wait for it, e.g. a booking; null where the payload could not be read, and nothing waits then. */
    ordering_key: z.string().nullable(),
    family: z.string().nullable(),
    sequence: z.number().int().nullable(),
    created_at: instant,
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetterJson = z.input<typeof deadLetter>;

/** What an operator did to it. */
const deadLetterAct = z.object({
  act: z.enum(['replay', 'discard', 'restore']),
  actor: z.string(),
  reason: z.string().nullable(),
  cause: z.string(),
  at: instant,
});

export const deadLetterInFull = deadLetter
  .extend({
    subject: z.string(),
    /** The message to the letter. It is text: a malformed one may be no JSON. */
    payload: z.string(),
    headers: z
      .record(z.string(), z.string())
      .meta({ description: 'as the broker delivered it; empty when it had waited for another message' }),
    errors: z
      .array(z.object({ attempt: z.number().int(), at: instant, error: z.string() }))
      .meta({ description: 'of each attempt, the oldest first; the newest 40' }),
    /** Later events of the same ordering key that came and wait for this one. */
    waiting: z.number().int(),
    acts: z.array(deadLetterAct),
  })
  .meta({ id: 'DeadLetterInFull' });
export type DeadLetterInFullJson = z.input<typeof deadLetterInFull>;

export const discardDeadLetterBody = z.strictObject({ reason: humanText(10, 500) }).meta({ id: 'DiscardDeadLetter' });
export const emptyDeadLetterBody = z.strictObject({}).meta({ id: 'DecideDeadLetter' });

/** OPEN letters of one consumer, type and cause. */
export const deadLetterGroup = z
  .object({
    service: z.string(),
    consumer: z.string(),
    type: z.string().nullable(),
    cause: z.string(),
    count: z.number().int(),
    oldest_at: instant,
    newest_at: instant,
    /** Of the newest. */
    error: z.string(),
  })
  .meta({ id: 'DeadLetterGroup' });
export type DeadLetterGroupJson = z.input<typeof deadLetterGroup>;

const unreachable = z.array(z.string()).meta({ description: 'services that did not answer: theirs are missing here' });
const merged = <T extends z.ZodType>(item: T) => list(item).extend({ unreachable });
export const deadLetterList = merged(deadLetter).meta({ id: 'DeadLetterList' });
export type DeadLetterListJson = z.input<typeof deadLetterList>;
export const deadLetterGroupList = merged(deadLetterGroup).meta({ id: 'DeadLetterGroupList' });
export type DeadLetterGroupListJson = z.input<typeof deadLetterGroupList>;
