import type { Money } from '@holdfast/shared/money';
import type { StoredKey } from '@holdfast/shared/idempotency/idempotency-store';
import type { BookingId, EventId, HallId, Id, ResourceId, UserId } from '@holdfast/shared/ids';
import type { RefundWindow } from '../bookings/refund-policy.ts';
import type { HallLayout } from '../inventory/hall-layout.ts';
import type { SlotRules } from '../inventory/slot-grid.ts';
import type { WaitRequest } from './hold-request.ts';

/** Everything that the decisions of one batch depend on, as read under its locks. */
export interface HoldSnapshot {
  readonly now: Date;
  readonly events: ReadonlyMap<EventId, BookableEvent>;
  readonly resources: ReadonlyMap<ResourceId, BookableResource>;
  /** Live, unexpired holds of each user; occurrences of series have a limit of their own. */
  readonly liveHolds: ReadonlyMap<UserId, number>;
  /** By `${userId} ${key}`. */
  readonly storedKeys: ReadonlyMap<string, StoredKey>;
}

interface Bookable {
  readonly name: string;
  readonly venueName: string;
  readonly timeZone: string;
  readonly currency: string;
  readonly refundPolicy: RefundWindow[];
  readonly archived: boolean;
  /** Somebody waits, and the inventory has changed since the line was served. */
  readonly lineDue: boolean;
}

export interface BookableEvent extends Bookable {
  readonly id: EventId;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly prices: ReadonlyMap<string, bigint>;
  readonly pricing: 'list' | 'quoted';
  /** What becomes of a hold when prices are quoted and no quote can be had. */
  readonly quoteFallback: 'list' | 'refuse';
  readonly maxPerBooking: number | null;
  /** Closed for good: everybody gets their money back. */
  readonly cancelled: boolean;
  /** Sold from the first until just before the second; null leaves that side open. */
  readonly salesOpenAt: Date | null;
  readonly salesCloseAt: Date | null;
  readonly inventory: SeatInventory | PoolInventory;
}

export interface SeatInventory {
  readonly kind: 'seats';
  readonly hallId: HallId;
  readonly layout: HallLayout;
  /**
   * Labels that the house keeps, and those with a live claim: all of the event when a command of the batch asks for best seats, else
   * those that are asked for.
   */
  readonly taken: Set<string>;
}

export interface PoolInventory {
  readonly kind: 'pool';
  readonly capacity: number;
  readonly numbered: boolean;
  claimed: number;
  /** Highest place number ever given. */
  placesGiven: number;
  /** Numbers that came back, lowest first; as many as the batch can use. */
  readonly freePlaces: number[];
}

export interface BookableResource extends Bookable {
  readonly id: ResourceId;
  readonly rules: SlotRules;
  readonly pricePerSlot: Money;
  /** Live claims that overlap what the batch asks for, as epoch milliseconds, half-open. */
  readonly claims: { from: number; to: number }[];
}

/** One who waits in line, as far as deciding and writing an offer needs. */
export interface Waiter {
  readonly entryId: Id<'wtl'>;
  readonly request: WaitRequest;
  /** The least places that are taken instead of those that the request names. */
  readonly minQuantity: number;
  /** Wishes of one line that say the same fit or do not fit alike. */
  readonly wish: string;
  /** More with this wish may stand behind this one than were read. */
  readonly lastRead: boolean;
  /** The PENDING booking that the offer turns into a hold. */
  readonly booking: {
    readonly id: BookingId;
    readonly userId: UserId;
    readonly reference: string;
    readonly contactEmail: string;
    readonly contactName: string;
    readonly version: number;
    /** Last sequence of the family `booking` that was given out. */
    readonly bookingSeq: number;
    readonly movedCount: number;
    readonly createdAt: Date;
  };
}

/** Those who wait for places of one event, or times of one resource, the first in line first. */
export interface WaitingLine {
  readonly of: BookableEvent | BookableResource;
  readonly waiters: readonly Waiter[];
}
