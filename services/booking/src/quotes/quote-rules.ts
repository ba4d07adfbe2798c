import type { EventId } from '@holdfast/shared/ids';

/** Places of one category of an event; without labels for a pool. */
export interface WantedPlaces {
  readonly category: string;
  readonly quantity: number;
  readonly seats: readonly string[];
}

/** What a hold needs a price for. */
export interface QuoteSubject {
  readonly eventId: EventId;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly currency: string;
  readonly places: readonly (WantedPlaces & { readonly listAmount: bigint })[];
}

/** A genuine answer of the quoter with prices. */
export interface Quote {
  readonly id: string;
  readonly nonce: string;
  readonly eventId: string;
  readonly currency: string;
  readonly places: readonly (WantedPlaces & { readonly unitAmount: bigint })[];
  readonly expiresAt: Date;
  /** The evidence: the body as it was signed, with which key. */
  readonly signed: { readonly body: string; readonly keyId: string; readonly signature: string };
}

/** How a hold of an event with quoted prices comes to its price. */
export type HoldPricing =
  | { readonly kind: 'quote'; readonly quote: Quote }
  /** No quote could be had, and the event says that its list prices do then. */
  | { readonly kind: 'list' };

/** Whether a quote prices exactly these places, at this time. */
export function quoteFits(quote: Quote, subject: QuoteSubject, now: Date): boolean {
  return (
    quote.eventId === subject.eventId &&
    quote.currency === subject.currency &&
    quote.expiresAt > now &&
    quote.places.length === subject.places.length &&
    subject.places.every((wanted) => quote.places.some((quoted) => samePlaces(quoted, wanted)))
  );
}

function samePlaces(a: WantedPlaces, b: WantedPlaces): boolean {
  return (
    a.category === b.category &&
    a.quantity === b.quantity &&
    a.seats.length === b.seats.length &&
    a.seats.every((seat) => b.seats.includes(seat))
  );
}
