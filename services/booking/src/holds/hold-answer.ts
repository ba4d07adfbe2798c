import { Problem } from '@holdfast/shared/problems';
import type { Alternative } from '../alternatives/alternative.ts';
import type { HoldRefusal } from './decide-holds.ts';

/** Whether something else may be free although this is not. */
export function isTaken(refusal: HoldRefusal): boolean {
  return refusal.code === 'seats_taken' || refusal.code === 'too_few_places' || refusal.code === 'slots_taken';
}

/** The problem that a client gets for each refusal; the switch is complete or does not compile. */
export function holdProblem(refusal: HoldRefusal, alternatives: readonly Alternative[] = []): Problem {
  switch (refusal.code) {
    case 'not_found':
      return new Problem('not_found', { detail: `there is no such ${refusal.what}` });
    case 'archived':
    case 'event_cancelled':
    case 'event_over':
    case 'sales_closed':
    case 'inventory_mismatch':
      return new Problem(refusal.code);
    case 'sales_not_open':
      return new Problem('sales_not_open', { detail: `sales begin at ${refusal.opensAt.toISOString()}` });
    case 'key_reused':
      return new Problem('idempotency_key_reused');
    case 'too_many_holds':
      return new Problem('too_many_holds', { detail: `at most ${refusal.limit} unpaid bookings at a time` });
    case 'too_many_places':
      return new Problem('too_many_places', {
        detail: `at most ${refusal.limit} places in one booking`,
        errors: [{ pointer: `/${refusal.field}`, code: 'too_many_places', message: `at most ${refusal.limit}` }],
      });
    case 'duplicate_seat':
    case 'unknown_seat': {
      const message = refusal.code === 'unknown_seat' ? 'the hall has no such seat' : 'named before';
      return new Problem(refusal.code, {
        errors: refusal.indexes.map((index) => ({ pointer: `/seats/${index}`, code: refusal.code, message })),
      });
    }
    case 'unknown_category':
      return new Problem('unknown_category', {
        errors: [
          { pointer: '/category', code: 'unknown_category', message: `must be one of ${refusal.known.join(', ')}` },
        ],
      });
    case 'in_the_past':
    case 'outside_opening_hours':
    case 'off_grid':
    case 'invalid_duration':
      return new Problem(refusal.code, {
        errors: [{ pointer: '/starts_at', code: refusal.code, message: new Problem(refusal.code).message }],
      });
    case 'seats_taken':
      return new Problem('inventory_unavailable', {
        detail: `taken: ${refusal.seats.join(', ')}`,
        extensions: { unavailable: refusal.seats, alternatives },
      });
    case 'too_few_places':
      return new Problem('inventory_unavailable', {
        detail: `${refusal.requested} asked for, ${refusal.available} left`,
        extensions: {
          unavailable: { requested: refusal.requested, available: refusal.available },
          alternatives,
        },
      });
    case 'no_longer_offered':
      return new Problem('no_longer_offered', {
        detail: `the pricing service says: ${refusal.reason}`,
        extensions: { reason: refusal.reason },
      });
    case 'quote_needed':
    case 'quote_unavailable':
      return new Problem('quote_unavailable');
    case 'slots_taken':
      return new Problem('inventory_unavailable', {
        detail: 'a part of that time is taken',
        extensions: {
          unavailable: refusal.slots.map(({ startsAt, endsAt }) => ({
            starts_at: startsAt.toISOString(),
            ends_at: endsAt.toISOString(),
          })),
          alternatives,
        },
      });
  }
}
