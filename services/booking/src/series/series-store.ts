import type { BookingStatus } from '@holdfast/shared/contracts/bookings';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, Id, ResourceId, UserId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';
import type { PriceLineJson } from '../pricing/price-line.ts';
import type { RefundWindow } from '../bookings/refund-policy.ts';
import type { SlotRules } from '../inventory/slot-grid.ts';

export type SeriesId = Id<'ser'>;

/** An occurrence that got no booking when the series was accepted. */
export interface LeftOut {
  readonly occurrence: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly left_out: 'conflict' | 'closed' | 'excepted';
}

export interface SeriesRow {
  readonly id: SeriesId;
  readonly user_id: UserId;
  readonly resource_id: ResourceId;
  readonly title: string;
  readonly rrule: string;
  /** Wall-clock time of the venue, `2027-01-04T18:00`. */
  readonly starts_at: string;
  readonly duration_minutes: number;
  readonly time_zone: string;
  readonly currency: string;
  readonly skip_conflicts: boolean;
  readonly left_out: LeftOut[];
  readonly created_at: Date;
}

const LOCAL = `'YYYY-MM-DD"T"HH24:MI'`;
const COLUMNS = `s.id, s.user_id, s.resource_id, s.title, s.rrule, to_char(s.starts_at, ${LOCAL}) as starts_at,
            s.duration_minutes, s.time_zone, s.currency, s.skip_conflicts, s.left_out, s.created_at`;

/** `userId` null finds anybody's. */
export async function findSeries(db: Queryable, id: SeriesId, userId: UserId | null): Promise<SeriesRow | null> {
  const { rows } = await db.query<SeriesRow>(
    `select ${COLUMNS}
       from series s
      where s.id = $1
        and ($2::text is null or s.user_id = $2)`,
    [id, userId],
  );
  return rows[0] ?? null;
}

/** The booking of one occurrence. */
export interface OccurrenceRow {
  readonly id: BookingId;
  readonly reference: string;
  readonly status: BookingStatus;
  readonly occurrence: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly price_amount: bigint;
  readonly price_currency: string;
  readonly hold_expires_at: Date | null;
  readonly cancel_requested_at: Date | null;
  readonly pinned_at: Date | null;
  readonly version: number;
}

/** The bookings of a series in the order of their start, with business time. */
export async function readOccurrences(db: Queryable, id: SeriesId): Promise<{ rows: OccurrenceRow[]; now: Date }> {
  const { rows } = await db.query<OccurrenceRow & { now: Date }>(
    `select id, reference, status, to_char(occurrence, ${LOCAL}) as occurrence, starts_at, ends_at, price_amount,
            price_currency, hold_expires_at, cancel_requested_at, pinned_at, version, clock.app_now() as now
       from bookings
      where series_id = $1
      order by starts_at`,
    [id],
  );
  // A series is accepted with at least one booking.
  return { rows, now: rows[0]!.now };
}

/** A series in a list, with what its bookings have come to. */
export interface SeriesSummaryRow extends SeriesRow {
  readonly counts: Partial<Record<BookingStatus, number>>;
  /** Start of the next booking that stands or waits; null when nothing is still to come. */
  readonly next_at: Date | null;
  readonly active: boolean;
  readonly now: Date;
  /** `created_at` with its microseconds. */
  readonly cursor_at: string;
}

const LIVE = `('PENDING', 'HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN')`;

/** Newest first; one row more than the limit when there are more. */
export async function listSeriesRows(
  db: Queryable,
  filter: { userId: UserId | null; after: readonly [createdAt: string, id: string] | null; limit: number },
): Promise<SeriesSummaryRow[]> {
  const { rows } = await db.query<SeriesSummaryRow>(
    `select ${COLUMNS}, s.created_at::text as cursor_at, clock.app_now() as now, state.counts, state.next_at, state.active
       from (select id, user_id, resource_id, title, rrule, starts_at, duration_minutes, time_zone, currency, skip_conflicts,
                    left_out, created_at
               from series
              where ($1::text is null or user_id = $1)
                and ($2::timestamptz is null or (created_at, id) < ($2, $3))
              order by created_at desc, id desc
              limit $4) s
       cross join lateral (
         select jsonb_object_agg(status, number) as counts, min(next_at) as next_at, bool_or(active) as active
           from (select status, count(*)::int as number,
                        min(starts_at) filter (where status in ${LIVE} and starts_at > clock.app_now()) as next_at,
                        bool_or(status in ${LIVE} and ends_at > clock.app_now()) as active
                   from bookings
                  where series_id = s.id
                  group by status) b) state
      order by s.created_at desc, s.id desc`,
    [filter.userId, filter.after?.[0] ?? null, filter.after?.[1] ?? null, filter.limit + 1],
  );
  return rows;
}

/** The zone of a resource's venue, without a lock; null for an unknown id. */
export async function readZone(db: Queryable, id: ResourceId): Promise<string | null> {
  const { rows } = await db.query<{ time_zone: string }>(
    `select v.time_zone from resources r join venues v on v.id = r.venue_id where r.id = $1`,
    [id],
  );
  return rows[0]?.time_zone ?? null;
}

/** A resource with everything that verdicts, prices and bookings take from it. */
export interface SeriesResource {
  readonly name: string;
  readonly venue: string;
  readonly currency: string;
  readonly refund_policy: RefundWindow[];
  readonly archived: boolean;
  readonly rules: SlotRules;
  readonly price_per_slot: number;
}

export interface SeriesSnapshot {
  readonly now: Date;
  readonly resource: SeriesResource | null;
  /** `n` is the place in the list of times; ms since the epoch. */
  readonly taken: { n: number; from: number; to: number; by: 'booking' | 'series' | 'waitlist' }[];
  /** Of the user: series with something unpaid or waiting, and unpaid holds of occurrences. */
  readonly open_series: number;
  readonly holds: number;
}

/**
 * What verdicts depend on: the resource, what others have of these times (live claims, occurrences of other series that wait for
 * their hold, and whoever waits for a time that has become free and is offered it next), and how much of it the user has already. Each time is looked up by itself, so a busy resource costs no more than an idle one.
 */
export async function readSeriesSnapshot(
  db: Queryable,
  resourceId: ResourceId,
  times: readonly { readonly startsAt: Date; readonly endsAt: Date }[],
  userId: UserId,
): Promise<SeriesSnapshot> {
  const { rows } = await db.query<SeriesSnapshot>({
    name: 'series-snapshot',
    text: `select clock.app_now() as now,
        (select json_build_object(
                  'name', r.name, 'venue', v.name, 'currency', v.currency, 'refund_policy', v.refund_policy,
                  'archived', coalesce(r.archived_at, v.archived_at) is not null, 'price_per_slot', r.price_per_slot,
                  'rules', json_build_object(
                    'timeZone', v.time_zone, 'slotMinutes', r.slot_minutes, 'minSlots', r.min_slots, 'maxSlots', r.max_slots,
                    'openingHours', r.opening_hours, 'exceptions', r.exceptions))
           from resources r
           join venues v on v.id = r.venue_id
          where r.id = $1) as resource,
        (select coalesce(json_agg(json_build_object(
                  'n', wanted.n - 1, 'by', other.by,
                  'from', extract(epoch from lower(other.during)) * 1000,
                  'to', extract(epoch from upper(other.during)) * 1000) order by wanted.n, lower(other.during)), '[]')
           from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as wanted (starts_at, ends_at, n)
           cross join lateral (
             (select c.during, 'booking' as by
                from slot_claims c
               where c.resource_id = $1
                 and c.during && tstzrange(wanted.starts_at, wanted.ends_at)
                 and c.released_at is null
              offset 0)
             union all
             (select tstzrange(b.starts_at, b.ends_at), 'series'
                from bookings b
               where b.resource_id = $1
                 and tstzrange(b.starts_at, b.ends_at) && tstzrange(wanted.starts_at, wanted.ends_at)
                 and b.status = 'PENDING'
                 and b.series_id is not null
              offset 0)
             union all
             (select tstzrange(w.starts_at, w.ends_at), 'waitlist'
                from waitlist_entries w
               where w.resource_id = $1
                 and w.status = 'WAITING'
                 and w.starts_at < wanted.ends_at
                 and w.ends_at > wanted.starts_at
                 and not exists (select from slot_claims c
                                  where c.resource_id = $1
                                    and c.during && tstzrange(w.starts_at, w.ends_at)
                                    and c.released_at is null)
              offset 0)) other) as taken,
        (select count(distinct series_id)::int
           from bookings
          where user_id = $4
            and series_id is not null
            and status in ('PENDING', 'HELD', 'PAYMENT_INITIATED')) as open_series,
        (select count(*)::int
           from bookings
          where user_id = $4
            and series_id is not null
            and status in ('HELD', 'PAYMENT_INITIATED')) as holds`,
    values: [resourceId, times.map(({ startsAt }) => startsAt), times.map(({ endsAt }) => endsAt), userId],
  });
  return rows[0]!;
}

export interface NewOccurrence {
  readonly id: BookingId;
  readonly reference: string;
  readonly occurrence: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly price_amount: bigint;
  readonly price_lines: PriceLineJson[];
}

export interface NewSeries extends Omit<SeriesRow, 'created_at'> {
  readonly venue: string;
  readonly refund_policy: RefundWindow[];
  readonly contact: { readonly email: string; readonly name: string };
  readonly occurrences: readonly NewOccurrence[];
  /** Id of the request. */
  readonly cause: string;
}

/** Writes a series with a PENDING booking and a history row for each occurrence, all of them or none. */
export async function insertSeries(tx: Tx, series: NewSeries, now: Date): Promise<void> {
  await tx.query({
    name: 'series-insert',
    text: `with new_series as (
         insert into series (id, user_id, resource_id, title, rrule, starts_at, duration_minutes, time_zone, currency,
                             skip_conflicts, left_out, created_at)
         values ($1, $2, $3, $4, $5, $6::timestamp, $7, $8, $9, $10, $11::jsonb, $12)
       ), new_bookings as (
         insert into bookings (id, reference, user_id, status, inventory, resource_id, quantity, starts_at, ends_at, time_zone,
                               title, venue, refund_policy, price_amount, price_currency, price_lines, contact_email,
                               contact_name, series_id, occurrence, created_at, updated_at)
         select row.id, row.reference, $2, 'PENDING', 'slots', $3, 1, row.starts_at, row.ends_at, $8,
                $4, $13, $14::jsonb, row.price_amount, $9, row.price_lines, $15,
                $16, $1, row.occurrence, $12, $12
           from json_to_recordset($17::json)
             as row (id text, reference text, starts_at timestamptz, ends_at timestamptz, price_amount bigint,
                     price_lines jsonb, occurrence timestamp)
       )
       insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
       select row.id, 1, null, 'PENDING', 'accepted with its series', $2, $18, $12
         from json_to_recordset($17::json) as row (id text)`,
    values: [
      series.id,
      series.user_id,
      series.resource_id,
      series.title,
      series.rrule,
      series.starts_at,
      series.duration_minutes,
      series.time_zone,
      series.currency,
      series.skip_conflicts,
      JSON.stringify(series.left_out),
      now,
      series.venue,
      JSON.stringify(series.refund_policy),
      series.contact.email,
      series.contact.name,
      JSON.stringify(
        series.occurrences.map((occurrence) => ({
          ...occurrence,
          price_amount: amountToJson(occurrence.price_amount),
        })),
      ),
      series.cause,
    ],
  });
}

/** Locks the resource and the user's row, in the common order: of two calls the second one sees what the first one took. */
export async function lockForSeries(tx: Tx, resourceId: ResourceId, userId: UserId): Promise<void> {
  await tx.query('select lock_inventory(array[]::text[], $1::text[], $2::text[])', [[resourceId], [userId]]);
}
