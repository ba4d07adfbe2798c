import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { currency, humanText, id, instant } from './common.ts';

export const FINDING_KINDS = [
  /** The provider took money that we do not count. */
  'paid_there_not_here',
  /** We count money that the provider does not have. */
  'paid_here_not_there',
  'amount_differs',
  /** A refund that only one side has. */
  'refund_missing',
  /** A second intent took money for one payment. */
  'duplicate_charge',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/**
 * `OPEN`: for a person. `REPAIRED`: the payment took over what the provider says. `GONE`: a later sweep no longer found it.
 * `RESOLVED`: a person has dealt with it.
 */
export const FINDING_STATES = ['OPEN', 'REPAIRED', 'GONE', 'RESOLVED'] as const;
export type FindingState = (typeof FINDING_STATES)[number];

export const findingListQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(FINDING_STATES).optional(),
  kind: z.enum(FINDING_KINDS).optional(),
});

const minorUnits = z.number().int().nullable();

export const finding = z
  .object({
    id: z.string(),
    object: z.literal('reconciliation_finding'),
    kind: z.enum(FINDING_KINDS),
    state: z.enum(FINDING_STATES),
    provider: z.string(),
    provider_reference: z.string(),
    payment_id: id('pay').nullable(),
    booking_id: id('bkg').nullable(),
    amount_here: minorUnits,
    amount_there: minorUnits,
    currency,
    detail: z.string(),
    found_at: instant,
    seen_at: instant,
    resolution: z
      .object({ reason: z.string(), resolved_by: z.string(), resolved_at: instant })
      .nullable()
      .meta({ description: 'the last one; the finding may have opened again since' }),
    refund: z
      .object({
        id: id('rfd'),
        status: z.enum(['PENDING', 'SUCCEEDED', 'FAILED']),
        amount: z.number().int(),
        reason: z.string(),
        requested_by: z.string(),
        failure_reason: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'the last one that was asked for here' }),
  })
  .meta({ id: 'ReconciliationFinding' });
export type FindingJson = z.input<typeof finding>;

export const resolveFindingBody = z
  .strictObject({ reason: humanText(10, 500) })
  .meta({ id: 'ResolveReconciliationFinding' });

const MAX_WINDOW_MS = 31 * 24 * 3_600_000;

/** The window of a sweep by the time when payments were made; the last 25 hours unless told. */
export const sweepBody = z
  .strictObject({ from: instant.optional(), to: instant.optional() })
  .refine(({ from, to }) => (from === undefined) === (to === undefined), { path: ['to'], message: 'goes with from' })
  .refine(({ from, to }) => from === undefined || to === undefined || Date.parse(from) < Date.parse(to), {
    path: ['to'],
    message: 'must be after from',
  })
  .refine(
    ({ from, to }) => from === undefined || to === undefined || Date.parse(to) - Date.parse(from) <= MAX_WINDOW_MS,
    { path: ['to'], message: 'must be at most 31 days after from' },
  )
  .meta({ id: 'ReconciliationSweepRequest' });

export const sweep = z
  .object({
    id: z.string(),
    object: z.literal('reconciliation_sweep'),
    /** `INCOMPLETE`: the provider stopped answering; what was compared until then stands. */
    state: z.enum(['RUNNING', 'COMPLETE', 'INCOMPLETE']),
    from: instant,
    to: instant,
    requested_by: z.string().nullable().meta({ description: 'null for the daily one' }),
    compared: z.number().int().nullable(),
    found: z.number().int().nullable(),
    repaired: z.number().int().nullable(),
    started_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'ReconciliationSweep' });
export type SweepJson = z.input<typeof sweep>;

export const sweepListQuery = z.strictObject(pageQuery);
