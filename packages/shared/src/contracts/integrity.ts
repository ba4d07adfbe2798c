import { z } from 'zod';
import { instant } from './common.ts';

/** What is known of one invariant. */
export const invariantResult = z
  .object({
    service: z.string(),
    name: z.string(),
    /** What must be so. */
    description: z.string(),
    every: z.enum(['minute', 'hour']),
    status: z.enum(['pending', 'ok', 'violated', 'failed']).meta({
      description: 'failed: the check itself did not end, see error; pending: it has not run yet',
    }),
    violations: z.number().int().meta({ description: 'rows that break it' }),
    examples: z.array(z.record(z.string(), z.unknown())).meta({ description: 'at most 5 of these rows' }),
    violated_since: instant.nullable(),
    last_run_at: instant.nullable(),
    duration_ms: z.number().int().nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'InvariantResult' });
export type InvariantResultJson = z.input<typeof invariantResult>;

/** What one service answers. */
export const serviceIntegrity = z.object({
  invariants: z.array(invariantResult),
  /** Whether a run that was asked for is still under way. */
  running: z.boolean(),
});
export type ServiceIntegrity = z.input<typeof serviceIntegrity>;

export const integrity = z
  .object({
    object: z.literal('list'),
    data: z.array(invariantResult),
    has_more: z.literal(false),
    next_cursor: z.null(),
    status: z
      .enum(['ok', 'violated', 'incomplete'])
      .meta({ description: 'incomplete: a service did not answer, or an invariant has no result' }),
    running: z.boolean(),
    unreachable: z.array(z.string()).meta({ description: 'services that did not answer' }),
    as_of: instant,
  })
  .meta({ id: 'Integrity' });
export type IntegrityJson = z.input<typeof integrity>;
