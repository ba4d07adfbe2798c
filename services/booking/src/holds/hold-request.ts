import type { EventId, ResourceId } from '@holdfast/shared/ids';

/** What a client asks to hold, checked as far as that is possible without the database. */
export type HoldRequest =
  | { readonly kind: 'seats'; readonly eventId: EventId; readonly seats: readonly string[] }
  | {
      readonly kind: 'quantity';
      readonly eventId: EventId;
      readonly quantity: number;
      readonly category: string | null;
    }
  | { readonly kind: 'slot'; readonly resourceId: ResourceId; readonly startsAt: Date; readonly endsAt: Date };

/** What can be waited for: places as they come, or a time. */
export type WaitRequest = Exclude<HoldRequest, { readonly kind: 'seats' }>;
