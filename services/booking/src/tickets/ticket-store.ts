import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, EventId } from '@holdfast/shared/ids';
import type { TicketId } from './ticket-code.ts';

export interface TicketRow {
  readonly id: TicketId;
  readonly position: number;
  readonly place: string;
  readonly code: string;
}

/** Writes tickets; those that their bookings have stay. */
export async function insertTickets(
  tx: Tx,
  tickets: readonly (TicketRow & {
    readonly bookingId: BookingId;
    readonly eventId: EventId | null;
    readonly nonce: string;
  })[],
  now: Date,
): Promise<void> {
  await tx.query(
    `insert into tickets (id, booking_id, event_id, position, place, nonce, code, created_at)
     select id, "bookingId", "eventId", position, place, nonce, code, $1
       from json_to_recordset($2::json)
         as row (id text, "bookingId" text, "eventId" text, position int, place text, nonce text, code text)
     on conflict (booking_id, position) do nothing`,
    [now, JSON.stringify(tickets)],
  );
}

/** The tickets of a booking, in the order of its places. */
export async function readTickets(db: Queryable, bookingId: BookingId): Promise<TicketRow[]> {
  const { rows } = await db.query<TicketRow>(
    `select id, position, place, code
       from tickets
      where booking_id = $1
      order by position`,
    [bookingId],
  );
  return rows;
}

export interface TicketOwner {
  readonly id: TicketId;
  readonly booking_id: BookingId;
  /** Null for one of a resource. */
  readonly event_id: EventId | null;
}

/** Whose ticket it is; null for one that was never written, whoever signed it. */
export async function findTicketOwner(
  db: Queryable,
  ticket: { readonly id: TicketId; readonly nonce: string },
): Promise<TicketOwner | null> {
  const { rows } = await db.query<TicketOwner>(
    `select id, booking_id, event_id from tickets where id = $1 and nonce = $2`,
    [ticket.id, ticket.nonce],
  );
  return rows[0] ?? null;
}

/** Notes that a ticket of a locked booking lets somebody in; false when it did before. Without one, all of the booking's do. */
export async function admit(tx: Tx, bookingId: BookingId, ticketId: TicketId | null): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update tickets
        set admitted_at = clock.app_now()
      where booking_id = $1
        and ($2::text is null or id = $2)
        and admitted_at is null`,
    [bookingId, ticketId],
  );
  return (rowCount ?? 0) > 0;
}

/** Tickets of an event that let somebody in, and whether they were used; `now` is when that was true. Null for no event of ours. */
export async function readAdmission(
  tx: Tx,
  eventId: EventId,
): Promise<{ now: Date; tickets: { nonce: string; checked_in: boolean }[] } | null> {
  const { rows } = await tx.query<{ now: Date; tickets: { nonce: string; checked_in: boolean }[] | null }>(
    `select clock.app_now() as now,
            (select json_agg(json_build_object(
                      'nonce', t.nonce,
                      -- Where none of a booking's tickets was noted, it was checked in as a whole.
                      'checked_in', t.admitted_at is not null
                                    or b.status = 'CHECKED_IN'
                                       and not exists (select from tickets o
                                                        where o.booking_id = b.id and o.admitted_at is not null)))
               from tickets t
               join bookings b on b.id = t.booking_id
              where t.event_id = e.id
                and b.status in ('CONFIRMED', 'CHECKED_IN')
                and e.cancelled_at is null) as tickets
       from events e
      where e.id = $1`,
    [eventId],
  );
  return rows[0] ? { now: rows[0].now, tickets: rows[0].tickets ?? [] } : null;
}
