import { z } from 'zod';
import { id, instant } from './common.ts';
import { CONSUMING_SERVICES, filterText } from './dead-letters.ts';

/** Of one service; an empty one is all of its open letters. */
const filter = {
  consumer: filterText.optional(),
  type: filterText.optional().meta({ description: '`holdfast.<family>.<name>.v<n>`' }),
  cause: filterText.optional(),
};
export const ownFilter = z.strictObject(filter);
export type DeadLetterFilter = z.output<typeof ownFilter>;

const rate = z.number().int().min(1).max(100).default(10).meta({ description: 'letters a second, of each service' });
const dryRun = z.boolean().default(false).meta({ description: 'only count them' });

/** What a service is asked by the gateway. */
export const ownReplayBody = z.strictObject({
  id: id('rpl'),
  filter: ownFilter,
  rate_per_second: rate,
  dry_run: dryRun,
});

export const replayDeadLettersBody = z
  .strictObject({
    filter: z.strictObject({ service: z.enum(CONSUMING_SERVICES).optional(), ...filter }),
    dry_run: dryRun,
    rate_per_second: rate,
  })
  .meta({ id: 'ReplayDeadLetters' });
export type ReplayDeadLettersBody = z.output<typeof replayDeadLettersBody>;

const STATES = ['RUNNING', 'DONE', 'STOPPED'] as const;
const count = z.number().int();
const counts = {
  total: count,
  waiting: count.meta({ description: 'their turn has not come' }),
  replayed: count.meta({ description: 'handed to their consumers' }),
  skipped: count.meta({ description: 'somebody decided about them before their turn' }),
  took_effect: count.meta({ description: 'of the replayed ones' }),
  failed_again: count.meta({ description: 'replayed ones that are open again' }),
};
const job = { state: z.enum(STATES), rate_per_second: count, actor: z.string(), created_at: instant };

/** How far a job is in one service. */
export const serviceReplay = z.object({
  id: id('rpl'),
  service: z.string(),
  ...job,
  filter: ownFilter,
  finished_at: instant.nullable(),
  ...counts,
});
export type ServiceReplayJson = z.input<typeof serviceReplay>;

/** What a filter finds in one service. */
export const servicePlan = z.object({
  service: z.string(),
  replayable: count,
  unreadable: count.meta({ description: 'letters that no consumer could read: they can only be discarded' }),
});
export type ServicePlanJson = z.input<typeof servicePlan>;

const unreachable = z.array(z.string()).meta({ description: 'services that did not answer: theirs are not in it' });

export const deadLetterReplay = z
  .object({
    id: id('rpl'),
    object: z.literal('dead_letter_replay'),
    dry_run: z.literal(false),
    ...job,
    ...counts,
    services: z.array(serviceReplay),
    unreachable,
  })
  .meta({ id: 'DeadLetterReplay' });
export type DeadLetterReplayJson = z.input<typeof deadLetterReplay>;

export const deadLetterReplayPlan = z
  .object({
    object: z.literal('dead_letter_replay'),
    dry_run: z.literal(true),
    total: count,
    unreadable: count,
    services: z.array(servicePlan),
    unreachable,
  })
  .meta({ id: 'DeadLetterReplayPlan' });
export type DeadLetterReplayPlanJson = z.input<typeof deadLetterReplayPlan>;
