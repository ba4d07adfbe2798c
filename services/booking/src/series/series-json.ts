import type {
  OccurrenceVerdictJson,
  SeriesJson,
  SeriesPreviewJson,
  SeriesSummaryJson,
} from '@holdfast/shared/contracts/series';
import { amountToJson, toMoneyJson } from '@holdfast/shared/money';
import { holdsInventory } from '../bookings/booking.ts';
import type { JudgedOccurrence } from './occurrence-rules.ts';
import type { SeriesPlan } from './plan-series.ts';
import type { OccurrenceRow, SeriesRow, SeriesSummaryRow } from './series-store.ts';

/** A series with all its occurrences, those that were left out among them, in the order of their start. */
export function toSeriesJson(row: SeriesRow, bookings: readonly OccurrenceRow[], now: Date): SeriesJson {
  const counts: SeriesJson['counts'] = {};
  for (const { status } of bookings) counts[status] = (counts[status] ?? 0) + 1;
  const live = bookings.filter(({ status }) => status === 'PENDING' || holdsInventory(status));
  const occurrences = [
    ...bookings.map((booking) => ({
      occurrence: booking.occurrence,
      starts_at: booking.starts_at.toISOString(),
      ends_at: booking.ends_at.toISOString(),
      booking: {
        id: booking.id,
        reference: booking.reference,
        status: booking.status,
        price: { amount: amountToJson(booking.price_amount), currency: booking.price_currency },
        hold_expires_at: booking.hold_expires_at?.toISOString() ?? null,
        cancel_requested_at: booking.cancel_requested_at?.toISOString() ?? null,
      },
      left_out: null,
    })),
    ...row.left_out.map((left) => ({ ...left, booking: null })),
  ].sort((a, b) => (a.starts_at < b.starts_at ? -1 : 1));
  return {
    ...fieldsOf(row, now),
    status: live.some(({ ends_at }) => ends_at > now) ? 'ACTIVE' : 'ENDED',
    counts,
    next_occurrence_at: live.find(({ starts_at }) => starts_at > now)?.starts_at.toISOString() ?? null,
    occurrences,
  };
}

/** A series as lists show it. */
export function toSeriesSummaryJson(row: SeriesSummaryRow): SeriesSummaryJson {
  return {
    ...fieldsOf(row, row.now),
    status: row.active ? 'ACTIVE' : 'ENDED',
    counts: row.counts,
    next_occurrence_at: row.next_at?.toISOString() ?? null,
  };
}

function fieldsOf(row: SeriesRow, now: Date) {
  return {
    id: row.id,
    object: 'series' as const,
    user_id: row.user_id,
    resource_id: row.resource_id,
    title: row.title,
    starts_at: row.starts_at,
    duration: formatDuration(row.duration_minutes),
    rrule: row.rrule,
    time_zone: row.time_zone,
    skip_conflicts: row.skip_conflicts,
    currency: row.currency,
    server_now: now.toISOString(),
    created_at: row.created_at.toISOString(),
  };
}

/** The verdicts of a plan. */
export function toVerdictsJson(plan: SeriesPlan): Pick<SeriesPreviewJson, 'counts' | 'occurrences'> {
  const counts = { free: 0, conflict: 0, closed: 0, excepted: 0 };
  for (const { verdict } of plan.occurrences) counts[verdict] += 1;
  return { counts, occurrences: plan.occurrences.map(verdictJson) };
}

function verdictJson(occurrence: JudgedOccurrence): OccurrenceVerdictJson {
  return {
    occurrence: occurrence.local,
    starts_at: occurrence.startsAt.toISOString(),
    ends_at: occurrence.endsAt.toISOString(),
    verdict: occurrence.verdict,
    code: occurrence.verdict === 'closed' ? occurrence.code : null,
    conflicts:
      occurrence.verdict === 'conflict'
        ? occurrence.conflicts.map((conflict) => ({
            starts_at: conflict.startsAt.toISOString(),
            ends_at: conflict.endsAt.toISOString(),
            with: conflict.with,
          }))
        : [],
    price: occurrence.verdict === 'free' ? toMoneyJson(occurrence.price) : null,
  };
}

/** `PT1H30M` */
function formatDuration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  return `PT${hours > 0 ? `${hours}H` : ''}${minutes % 60 > 0 ? `${minutes % 60}M` : ''}`;
}
