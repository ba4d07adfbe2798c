import type { SeriesInput } from '@holdfast/shared/contracts/series';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope, StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { newId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { formatReference, type ReferenceNumbers } from '../holds/booking-reference.ts';
import { settleLinesIn, type HoldDeps } from '../holds/settle-hold-batch.ts';
import { withPlatformFee, type PlatformFee } from '../pricing/platform-fee-rules.ts';
import { toPriceLineJson, type PriceLine } from '../pricing/price-line.ts';
import { holdOccurrences } from './hold-occurrences.ts';
import type { JudgedOccurrence } from './occurrence-rules.ts';
import { planSeries, type SeriesPlan } from './plan-series.ts';
import { answerSeries } from './read-series.ts';
import { toVerdictsJson } from './series-json.ts';
import { insertSeries, lockForSeries, type LeftOut, type NewOccurrence } from './series-store.ts';

export interface SeriesTimes {
  /** Occurrences that begin within so many seconds are held; later ones wait. */
  readonly windowSeconds: number;
  /** How long an occurrence is held for its payment. */
  readonly holdSeconds: number;
}

export interface SeriesLimits {
  /** Series of a user with something unpaid or waiting. */
  readonly seriesPerUser: number;
  /** Unpaid occurrences that a user holds when a series is accepted. */
  readonly holdsPerUser: number;
}

export interface CreateSeriesDeps {
  readonly pool: Pool;
  readonly references: ReferenceNumbers;
  /** For those who wait for the times that a series would take. */
  readonly holds: HoldDeps;
  readonly times: SeriesTimes;
  readonly limits: SeriesLimits;
  readonly fee: PlatformFee;
  readonly onCommit: () => void;
}

export interface CreateSeriesCommand {
  readonly caller: SignedInCaller;
  readonly scope: KeyScope;
  readonly input: SeriesInput;
}

/**
 * Accepts a series, all of it in one transaction: a booking for each occurrence at the price of today, those in the window HELD with
 * their claims, the later ones PENDING. An occurrence that is not free refuses the series with every verdict, unless the caller lets
 * such ones be left out. @throws Problem `series_conflicts`, `too_many_series`, `too_many_holds`, and those of `planSeries`.
 */
export async function createSeries(deps: CreateSeriesDeps, command: CreateSeriesCommand): Promise<OnceAnswered> {
  const result = await answerOnce(deps.pool, command.scope, async (tx) => {
    const answer = await create(tx, deps, command);
    failpoint('booking.series.before_commit');
    return answer;
  });
  failpoint('booking.series.after_commit');
  deps.onCommit();
  return result;
}

async function create(tx: Tx, deps: CreateSeriesDeps, command: CreateSeriesCommand): Promise<StoredAnswer> {
  const { caller, input } = command;
  const plan = await planSeries(tx, input, caller.userId, deps.fee, async () => {
    await lockForSeries(tx, input.resource_id, caller.userId);
    await settleLinesIn(tx, deps.holds, { eventIds: [], resourceIds: [input.resource_id] });
  });
  const free = plan.occurrences.filter((occurrence) => occurrence.verdict === 'free');
  const unwanted = plan.occurrences.some(({ verdict }) => verdict === 'conflict' || verdict === 'closed');
  if (free.length === 0 || (unwanted && !input.skip_conflicts)) throw conflictProblem(plan);

  const { now } = plan.snapshot;
  const windowEnd = now.getTime() + deps.times.windowSeconds * 1000;
  const soon = free.filter(({ startsAt }) => startsAt.getTime() <= windowEnd);
  refuseBasket(plan, soon.length, deps.limits);

  const id = newId('ser');
  const numbers = await deps.references.draw(tx, free.length);
  const bookings = free.map((occurrence, index) =>
    toBooking(occurrence, plan, formatReference(numbers[index]!, now), deps.fee),
  );
  await insertSeries(
    tx,
    {
      id,
      user_id: caller.userId,
      resource_id: input.resource_id,
      title: plan.resource.name,
      venue: plan.resource.venue,
      rrule: input.rrule.toUpperCase(),
      starts_at: input.starts_at,
      duration_minutes: input.duration,
      time_zone: plan.resource.rules.timeZone,
      currency: plan.resource.currency,
      skip_conflicts: input.skip_conflicts,
      left_out: plan.occurrences.flatMap(toLeftOut),
      refund_policy: plan.resource.refund_policy,
      contact: { email: caller.email ?? '', name: caller.name ?? '' },
      occurrences: bookings,
      cause: caller.requestId,
    },
    now,
  );
  await holdOccurrences(
    tx,
    bookings.slice(0, soon.length).map((booking) => booking.id),
    {
      holdSeconds: deps.times.holdSeconds,
      actor: caller.userId,
      cause: { id: caller.requestId, traceparent: caller.traceparent },
      tellCustomer: false,
    },
  );
  const answer = await answerSeries(tx, id);
  return { ...answer, status: 201, headers: { ...answer.headers, location: `/v1/series/${id}` } };
}

type Free = Extract<JudgedOccurrence, { verdict: 'free' }>;

function toBooking(occurrence: Free, plan: SeriesPlan, reference: string, fee: PlatformFee): NewOccurrence {
  const line: PriceLine = {
    kind: 'place',
    label: plan.resource.name,
    category: null,
    quantity: occurrence.slots,
    unitAmount: BigInt(plan.resource.price_per_slot),
  };
  const { lines, price } = withPlatformFee([line], plan.resource.currency, 1, fee);
  return {
    id: newId('bkg'),
    reference,
    occurrence: occurrence.local,
    starts_at: occurrence.startsAt,
    ends_at: occurrence.endsAt,
    price_amount: price.amount,
    price_lines: lines.map(toPriceLineJson),
  };
}

function toLeftOut(occurrence: JudgedOccurrence): LeftOut[] {
  if (occurrence.verdict === 'free') return [];
  return [
    {
      occurrence: occurrence.local,
      starts_at: occurrence.startsAt.toISOString(),
      ends_at: occurrence.endsAt.toISOString(),
      left_out: occurrence.verdict,
    },
  ];
}

function refuseBasket({ snapshot }: SeriesPlan, soon: number, limits: SeriesLimits): void {
  if (snapshot.open_series >= limits.seriesPerUser) {
    throw new Problem('too_many_series', { detail: `at most ${limits.seriesPerUser} unfinished series at a time` });
  }
  if (snapshot.holds + soon > limits.holdsPerUser) {
    throw new Problem('too_many_holds', {
      detail: `at most ${limits.holdsPerUser} unpaid occurrences at a time: you hold ${snapshot.holds}, and this series would hold ${soon}`,
    });
  }
}

function conflictProblem(plan: SeriesPlan): Problem {
  const { counts, occurrences } = toVerdictsJson(plan);
  return new Problem('series_conflicts', {
    detail: `of ${occurrences.length} occurrences ${counts.conflict} are taken and ${counts.closed} cannot be booked`,
    extensions: { counts, occurrences },
  });
}
