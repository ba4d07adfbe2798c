import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, EventId, Id, ResourceId, UserId } from '@holdfast/shared/ids';
import { refuseClosed } from '../holds/decide-holds.ts';
import type { BookableEvent, BookableResource, HoldSnapshot, Waiter, WaitingLine } from '../holds/hold-snapshot.ts';

/** Of each wish so many are read at a time: an offer is a handful of rows, and holds wait for the transaction that makes them. */
export const READ_PER_WISH = 50;

/**
 * Reads the lines of a locked snapshot that are due, and what else of their inventory is needed to serve them; that is added to the
 * snapshot. Asks nothing where nobody waits, or where nothing has changed since the line was served.
 */
export async function readDueLines(tx: Tx, snapshot: HoldSnapshot): Promise<WaitingLine[]> {
  const events = [...snapshot.events.values()].filter((event) => event.lineDue && !refuseClosed(event, snapshot.now));
  const resources = [...snapshot.resources.values()].filter((resource) => resource.lineDue && !resource.archived);
  return [
    ...(events.length > 0 ? await linesForPlaces(tx, events) : []),
    ...(resources.length > 0 ? await linesForTimes(tx, resources, snapshot.now) : []),
  ];
}

interface WaiterRow {
  id: Id<'wtl'>;
  event_id: EventId | null;
  resource_id: ResourceId | null;
  quantity: number;
  min_quantity: number;
  category: string | null;
  starts_at: Date | null;
  ends_at: Date | null;
  wish: string;
  nth: number;
  booking_id: BookingId;
  user_id: UserId;
  reference: string;
  contact_email: string;
  contact_name: string;
  version: number;
  booking_seq: number;
  moved_count: number;
  created_at: Date;
}

const WAITER_COLUMNS = `w.id, w.event_id, w.resource_id, w.quantity, w.min_quantity, w.category, w.starts_at, w.ends_at, w.wish,
            w.booking_id, b.user_id, b.reference, b.contact_email, b.contact_name, b.version, b.booking_seq, b.moved_count,
            b.created_at`;

async function linesForPlaces(tx: Tx, events: readonly BookableEvent[]): Promise<WaitingLine[]> {
  await addInventory(tx, events);
  const withRoom = events.filter(({ inventory }) => hasRoom(inventory));
  const rows = withRoom.length > 0 ? await readWaiters(tx, withRoom) : [];
  return events.map((event) => ({ of: event, waiters: rows.filter((row) => row.event_id === event.id).map(toWaiter) }));
}

/** A hold that is paid changes the inventory as well: of what stays sold out nobody's wish has to be read. */
function hasRoom(inventory: BookableEvent['inventory']): boolean {
  return inventory.kind === 'pool'
    ? inventory.claimed < inventory.capacity
    : inventory.layout.seats.some(({ label }) => !inventory.taken.has(label));
}

async function readWaiters(tx: Tx, events: readonly BookableEvent[]): Promise<WaiterRow[]> {
  // Steps from one wish to the next by the index: a long line is not read for the few wishes that it has.
  const { rows } = await tx.query<WaiterRow>({
    name: 'line-for-places',
    text: `with recursive wishes as (
             select due.event_id,
                    (select min(w.wish) from waitlist_entries w
                      where w.event_id = due.event_id and w.status = 'WAITING') as wish
               from unnest($1::text[]) as due (event_id)
             union all
             select last.event_id,
                    (select min(w.wish) from waitlist_entries w
                      where w.event_id = last.event_id and w.status = 'WAITING' and w.wish > last.wish)
               from wishes last
              where last.wish is not null
           )
           select ${WAITER_COLUMNS}, first.nth
             from wishes
            cross join lateral (select id, row_number() over (order by seq)::int as nth
                                  from waitlist_entries e
                                 where e.event_id = wishes.event_id
                                   and e.wish = wishes.wish
                                   and e.status = 'WAITING'
                                 order by seq
                                 limit ${READ_PER_WISH}) first
             join waitlist_entries w on w.id = first.id
             join bookings b on b.id = w.booking_id
            order by w.seq`,
    values: [events.map(({ id }) => id)],
  });
  return rows;
}

/** All claims of the seats, and all numbers that came back: a batch reads only those that it was asked for. */
async function addInventory(tx: Tx, events: readonly BookableEvent[]): Promise<void> {
  const ids = events.map(({ id }) => id);
  const seats = await tx.query<{ event_id: EventId; seat: string }>({
    name: 'line-seats',
    text: `select event_id, seat from seat_claims where event_id = any ($1::text[]) and released_at is null`,
    values: [ids],
  });
  const numbers = await tx.query<{ event_id: EventId; place_number: number }>({
    name: 'line-numbers',
    text: `select event_id, place_number from pool_free_places where event_id = any ($1::text[]) order by place_number`,
    values: [ids],
  });
  for (const { id, inventory } of events) {
    if (inventory.kind === 'seats') {
      for (const row of seats.rows) if (row.event_id === id) inventory.taken.add(row.seat);
    } else {
      const free = numbers.rows.filter((row) => row.event_id === id).map((row) => row.place_number);
      inventory.freePlaces.splice(0, inventory.freePlaces.length, ...free);
    }
  }
}

async function linesForTimes(tx: Tx, resources: readonly BookableResource[], now: Date): Promise<WaitingLine[]> {
  // Of those who want the very same time only the first can get it.
  const { rows } = await tx.query<WaiterRow>({
    name: 'line-for-times',
    text: `select ${WAITER_COLUMNS}, 1 as nth
             from (select distinct on (resource_id, starts_at, ends_at) id
                     from waitlist_entries
                    where resource_id = any ($1::text[])
                      and status = 'WAITING'
                      and starts_at > $2
                    order by resource_id, starts_at, ends_at, seq) first
             join waitlist_entries w on w.id = first.id
             join bookings b on b.id = w.booking_id
            order by w.seq`,
    values: [resources.map(({ id }) => id), now],
  });
  const claims = await tx.query<{ resource_id: ResourceId; from: number; to: number }>({
    name: 'line-claims',
    text: `select claim.resource_id,
                  (extract(epoch from lower(claim.during)) * 1000)::float8 as from,
                  (extract(epoch from upper(claim.during)) * 1000)::float8 as to
             from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as wanted (resource_id, starts_at, ends_at)
            cross join lateral (select resource_id, during
                                  from slot_claims s
                                 where s.resource_id = wanted.resource_id
                                   and s.during && tstzrange(wanted.starts_at, wanted.ends_at)
                                   and s.released_at is null
                                offset 0) claim`,
    values: [rows.map((row) => row.resource_id), rows.map((row) => row.starts_at), rows.map((row) => row.ends_at)],
  });
  return resources.map((resource) => {
    for (const { resource_id, from, to } of claims.rows) {
      if (resource_id === resource.id) resource.claims.push({ from, to });
    }
    return { of: resource, waiters: rows.filter((row) => row.resource_id === resource.id).map(toWaiter) };
  });
}

function toWaiter(row: WaiterRow): Waiter {
  return {
    entryId: row.id,
    request:
      row.event_id === null
        ? { kind: 'slot', resourceId: row.resource_id!, startsAt: row.starts_at!, endsAt: row.ends_at! }
        : { kind: 'quantity', eventId: row.event_id, quantity: row.quantity, category: row.category },
    minQuantity: row.min_quantity,
    // The wish of a time is the time.
    wish: row.event_id === null ? `${row.starts_at!.getTime()}/${row.ends_at!.getTime()}` : row.wish,
    lastRead: row.nth === READ_PER_WISH,
    booking: {
      id: row.booking_id,
      userId: row.user_id,
      reference: row.reference,
      contactEmail: row.contact_email,
      contactName: row.contact_name,
      version: row.version,
      bookingSeq: row.booking_seq,
      movedCount: row.moved_count,
      createdAt: row.created_at,
    },
  };
}
