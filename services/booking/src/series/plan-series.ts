import type { SeriesInput } from '@holdfast/shared/contracts/series';
import type { Queryable } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import { addMoney } from '@holdfast/shared/money';
import { Problem, type FieldError } from '@holdfast/shared/problems';
import { platformFeeOn, type PlatformFee } from '../pricing/platform-fee-rules.ts';
import { judgeOccurrences, unknownExceptions, type JudgedOccurrence } from './occurrence-rules.ts';
import { expandRecurrence, type Occurrence, type RecurrenceRefusal } from './recurrence-rules.ts';
import { readSeriesSnapshot, readZone, type SeriesResource, type SeriesSnapshot } from './series-store.ts';

/** What a series would be: a verdict for each occurrence, and what it was decided from. */
export interface SeriesPlan {
  readonly resource: SeriesResource;
  readonly occurrences: readonly JudgedOccurrence[];
  readonly snapshot: SeriesSnapshot;
}

/**
 * Works out the occurrences of a series and judges each. The rule is expanded before `lock` is called, which lets nobody wait for
 * it; what the verdicts depend on is read after it. Prices are those of the bookings, with the platform fee. @throws Problem for what the request itself gets wrong.
 */
export async function planSeries(
  db: Queryable,
  input: SeriesInput,
  userId: UserId,
  fee: PlatformFee,
  lock: () => Promise<void> = () => Promise.resolve(),
): Promise<SeriesPlan> {
  const timeZone = await readZone(db, input.resource_id);
  if (timeZone === null) throw new Problem('not_found', { detail: 'there is no such resource' });
  const occurrences = occurrencesOf(input, timeZone);

  await lock();
  const snapshot = await readSeriesSnapshot(db, input.resource_id, occurrences, userId);
  const { resource } = snapshot;
  if (!resource) throw new Problem('not_found', { detail: 'there is no such resource' });
  if (resource.archived) throw new Problem('archived');
  if (resource.rules.timeZone !== timeZone) {
    throw new Problem('conflict', { detail: 'the venue moved to another time zone at this moment' });
  }
  const taken = new Map<number, SeriesSnapshot['taken']>();
  for (const time of snapshot.taken) taken.set(time.n, [...(taken.get(time.n) ?? []), time]);
  const judged = judgeOccurrences(occurrences, new Set(input.exceptions), {
    rules: resource.rules,
    pricePerSlot: { amount: BigInt(resource.price_per_slot), currency: resource.currency },
    now: snapshot.now,
    taken,
  });
  const priced = judged.map((one) =>
    one.verdict === 'free' ? { ...one, price: addMoney(one.price, platformFeeOn(fee, one.price, 1)) } : one,
  );
  return { resource, occurrences: priced, snapshot };
}

function occurrencesOf(input: SeriesInput, timeZone: string): readonly Occurrence[] {
  if (input.time_zone !== undefined && !isSameZone(input.time_zone, timeZone)) {
    const message = `the venue is in ${timeZone}, and so are the times of its series`;
    throw new Problem('validation_failed', {
      errors: [{ pointer: '/time_zone', code: 'time_zone_differs', message }],
    });
  }
  const occurrences = expandRecurrence({
    startsAt: input.starts_at,
    durationMinutes: input.duration,
    rrule: input.rrule,
    timeZone,
  });
  if ('refused' in occurrences) throw recurrenceProblem(occurrences);
  const unknown = unknownExceptions(occurrences, input.exceptions);
  if (unknown.length > 0) {
    const error = (index: number): FieldError => ({
      pointer: `/exceptions/${index}`,
      code: 'unknown_occurrence',
      message: 'is not an occurrence of the rule',
    });
    throw new Problem('unknown_occurrence', { errors: unknown.slice(0, 50).map(error) });
  }
  return occurrences;
}

/** Aliases (`Asia/Calcutta`, `Asia/Kolkata`) name one zone. */
function isSameZone(a: string, b: string): boolean {
  const canonical = (timeZone: string) => new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  return a === b || canonical(a) === canonical(b);
}

function recurrenceProblem({ refused, field, message }: RecurrenceRefusal): Problem {
  const code = (
    { invalid: 'invalid_recurrence', endless: 'endless_recurrence', too_many: 'too_many_occurrences' } as const
  )[refused];
  return new Problem(code, { detail: message, errors: [{ pointer: `/${field}`, code, message }] });
}
