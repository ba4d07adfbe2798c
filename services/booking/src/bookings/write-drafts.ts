import { byIds } from '@holdfast/shared/db/by-ids';
import type { Tx } from '@holdfast/shared/db/transaction';
import { amountToJson } from '@holdfast/shared/money';
import { toOutboxRows } from '@holdfast/shared/outbox/outbox';
import { bookClaims } from '../inventory/book-claims.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import { saveTickets } from '../tickets/issue-tickets.ts';
import type { BookingDraft, Hop } from './booking-draft.ts';

/**
 * Writes what was drafted for bookings whose inventory (where claims change) and rows are locked: claims, tickets, and then in one
 * statement bookings, history, sagas, attempts and outbox. Each UPDATE names the state and version that the draft was made on.
 * @throws Error when one of them is gone, which the locks make impossible, or when a booking is to be sold that claims nothing.
 */
export async function writeDrafts(tx: Tx, drafts: readonly BookingDraft[], now: Date): Promise<void> {
  const changed = drafts.filter((draft) => draft.isChanged || draft.saga !== null);
  if (changed.length === 0) return;
  const booked = changed.filter((draft) => draft.claims === 'book').map(({ before }) => before.id);
  if (booked.length > 0) await bookClaims(tx, booked);
  const released = changed.filter((draft) => draft.claims === 'release').map(({ before }) => before.id);
  if (released.length > 0) await releaseClaims(tx, released);
  await saveTickets(
    tx,
    changed.flatMap((draft) => draft.tickets),
    now,
  );
  for (const draft of changed) await goTheFirstSteps(tx, draft);

  const outbox = toOutboxRows(
    '/booking',
    changed.flatMap((draft) => draft.events),
  );
  const bookings = changed.filter((draft) => draft.isChanged);
  const sagas = changed.flatMap(({ saga }) => saga ?? []);
  const { rows } = await tx.query<{ bookings: number; sagas: number }>(
    byIds(
      'drafts-write',
      changed.map(({ before }) => before.id),
      writeStatement,
      [
        JSON.stringify(bookings.map(bookingRecord)),
        JSON.stringify(changed.flatMap(({ before, hops }) => hops.map((hop) => historyRecord(before.id, hop)))),
        JSON.stringify(sagas.map(({ before, after }) => ({ ...sagaRecord(after), from_state: before.state }))),
        JSON.stringify(
          changed.flatMap(({ before, outcome }) => (outcome ? [{ booking_id: before.id, ...outcome }] : [])),
        ),
        outbox.ids,
        outbox.subjects,
        outbox.orderingKeys,
        outbox.families,
        outbox.seqs,
        outbox.payloads,
        outbox.traceparents,
        now,
      ],
    ),
  );
  const written = rows[0]!;
  if (written.bookings !== bookings.length || written.sagas !== sagas.length) {
    throw new Error(
      `${written.bookings} of ${bookings.length} bookings and ${written.sagas} of ${sagas.length} sagas were as they were read under our lock`,
    );
  }
}

/**
 * The database checks each UPDATE of a state against the table of transitions, and knows of one that may be passed through in it: PAID
 * on the way to CONFIRMED. Whatever a draft passes through before that is written step by step; the rest is for the statement above.
 */
async function goTheFirstSteps(tx: Tx, draft: BookingDraft): Promise<void> {
  for (const hop of firstSteps(draft.hops)) {
    const { rowCount } = await tx.query(
      `update bookings
          set status = $3, pinned_at = $4
        where id = $1 and status = $2`,
      [draft.before.id, hop.from, hop.to, draft.row.pinned_at],
    );
    if (rowCount !== 1) throw new Error(`booking ${draft.before.id} left ${hop.from} under our lock`);
  }
}

function firstSteps(hops: readonly Hop[]): readonly Hop[] {
  const lastTwo = hops.slice(-2).map(({ to }) => to);
  return hops.slice(0, lastTwo.join() === 'PAID,CONFIRMED' ? -2 : -1);
}

/** The state in which the statement finds the booking. */
function stateBeforeLast({ hops, before }: BookingDraft): string {
  return firstSteps(hops).at(-1)?.to ?? before.status;
}

function bookingRecord(draft: BookingDraft): object {
  const { before, row } = draft;
  return {
    id: row.id,
    from_status: stateBeforeLast(draft),
    from_version: before.version,
    status: row.status,
    version: row.version,
    seats: row.seats,
    hold_expires_at: row.hold_expires_at,
    pinned_at: row.pinned_at,
    cancel_requested_at: row.cancel_requested_at,
    cancel_reason: row.cancel_reason,
    cancel_refund: row.cancel_refund,
    payment_id: row.payment_id,
    payment_status: row.payment_status,
    payment_attempt: row.payment_attempt,
    payment_decline_reason: row.payment_decline_reason,
    payment_redirect_url: row.payment_redirect_url,
    refund_id: row.refund_id,
    refund_status: row.refund_status,
    refund_amount: row.refund_amount === null ? null : amountToJson(row.refund_amount),
    hold_seq: row.hold_seq,
    booking_seq: row.booking_seq,
    checkout_seq: row.checkout_seq,
    updated_at: row.updated_at,
  };
}

function historyRecord(bookingId: string, hop: Hop): object {
  const { from, to, version, reason, actor, cause } = hop;
  return { booking_id: bookingId, version, from_status: from, to_status: to, reason, actor, cause };
}

function sagaRecord(saga: NonNullable<BookingDraft['saga']>['after']): object {
  return { ...saga, refund_amount: saga.refund_amount === null ? null : amountToJson(saga.refund_amount) };
}

const writeStatement = (these: string) => `
with changed as (
  update bookings b
     set status = row.status, version = row.version, seats = row.seats, hold_expires_at = row.hold_expires_at,
         pinned_at = row.pinned_at, cancel_requested_at = row.cancel_requested_at, cancel_reason = row.cancel_reason,
         cancel_refund = row.cancel_refund, payment_id = row.payment_id, payment_status = row.payment_status,
         payment_attempt = row.payment_attempt, payment_decline_reason = row.payment_decline_reason,
         payment_redirect_url = row.payment_redirect_url, refund_id = row.refund_id, refund_status = row.refund_status,
         refund_amount = row.refund_amount, hold_seq = row.hold_seq, booking_seq = row.booking_seq,
         checkout_seq = row.checkout_seq, updated_at = row.updated_at
    from json_to_recordset($2::json) as row (
           id text, from_status text, from_version int, status text, version int, seats text[], hold_expires_at timestamptz,
           pinned_at timestamptz, cancel_requested_at timestamptz, cancel_reason text, cancel_refund text, payment_id text,
           payment_status text, payment_attempt int, payment_decline_reason text, payment_redirect_url text, refund_id text,
           refund_status text, refund_amount bigint, hold_seq int, booking_seq int, checkout_seq int, updated_at timestamptz)
   where b.id ${these}
     and b.id = row.id
     and b.status = row.from_status
     and b.version = row.from_version
  returning b.id
), history as (
  insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
  select booking_id, version, from_status, to_status, reason, actor, cause, $13::timestamptz
    from json_to_recordset($3::json) as row (
           booking_id text, version int, from_status text, to_status text, reason text, actor text, cause text)
), moved as (
  update checkout_sagas s
     set state = row.state, undo = row.undo, refund_id = row.refund_id, refund_amount = row.refund_amount, tries = row.tries,
         stuck_reason = row.stuck_reason, stuck_in = row.stuck_in, last_error = row.last_error,
         next_action_at = row.next_action_at, deadline_at = row.deadline_at, updated_at = $13::timestamptz
    from json_to_recordset($4::json) as row (
           booking_id text, from_state text, state text, undo text, refund_id text, refund_amount bigint, tries int,
           stuck_reason text, stuck_in text, last_error text, next_action_at timestamptz, deadline_at timestamptz)
   where s.booking_id ${these}
     and s.booking_id = row.booking_id
     and s.state = row.from_state
  returning s.booking_id
), ended as (
  -- An attempt ends once; only one that was given up as the hold ran out may turn out to have paid for the booking all the same.
  update checkout_attempts a
     set outcome = row.outcome, decline_reason = row.decline_reason
    from json_to_recordset($5::json) as row (booking_id text, attempt int, outcome text, decline_reason text)
   where a.booking_id ${these}
     and a.booking_id = row.booking_id
     and a.attempt = row.attempt
     and (a.outcome is null or (a.outcome = 'ABANDONED' and row.outcome = 'CONFIRMED'))
), sent as (
  insert into outbox (id, subject, ordering_key, family, seq, payload, traceparent, available_at)
  select id, subject, ordering_key, family, seq, payload, traceparent, (select clock.app_now())
    from unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::text[], $12::text[])
      as row (id, subject, ordering_key, family, seq, payload, traceparent)
)
select (select count(*)::int from changed) as bookings, (select count(*)::int from moved) as sagas`;
