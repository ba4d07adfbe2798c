import type { Money } from '@holdfast/shared/money';
import { withPlatformFee, type PlatformFee } from '../pricing/platform-fee-rules.ts';
import type { PriceLine } from '../pricing/price-line.ts';
import {
  quoteFits,
  type HoldPricing,
  type Quote,
  type QuoteSubject,
  type WantedPlaces,
} from '../quotes/quote-rules.ts';
import type { BookableEvent } from './hold-snapshot.ts';

/** Everything about a hold is decided but its price: the quoter must be asked about `subject`, or `fallback` decides. */
export interface NeedsQuote {
  readonly code: 'quote_needed';
  readonly subject: QuoteSubject;
  readonly fallback: 'list' | 'refuse';
}

export interface PriceTerms {
  readonly now: Date;
  /** What was brought along for an event with quoted prices; others ignore it. */
  readonly pricing: HoldPricing | undefined;
  readonly fee: PlatformFee;
}

export interface Priced {
  readonly lines: readonly PriceLine[];
  readonly price: Money;
  /** The quote that made the price; null for list prices. */
  readonly quote: Quote | null;
}

/**
 * The price of places of an event, from its row under its lock: if its pricing changed while a quote was fetched, what it says now
 * counts. @throws Error for a category without a price, which the catalogue does not let happen.
 */
export function priceEvent(
  event: BookableEvent,
  wanted: readonly WantedPlaces[],
  terms: PriceTerms,
): Priced | NeedsQuote {
  const listed = wanted.map((places) => ({ ...places, listAmount: listAmount(event, places.category) }));
  if (event.pricing === 'list') return priced(event, listed, terms, (places) => places.listAmount, null);

  const { pricing } = terms;
  const { id, startsAt, endsAt, currency, quoteFallback } = event;
  const subject = { eventId: id, startsAt, endsAt, currency, places: listed };
  if (pricing?.kind === 'quote' && quoteFits(pricing.quote, subject, terms.now)) {
    const amounts = new Map(pricing.quote.places.map(({ category, unitAmount }) => [category, unitAmount]));
    return priced(event, listed, terms, ({ category }) => amounts.get(category)!, pricing.quote);
  }
  if (pricing?.kind === 'list' && quoteFallback === 'list') {
    return priced(event, listed, terms, (places) => places.listAmount, null);
  }
  return { code: 'quote_needed', subject, fallback: quoteFallback };
}

/** Whether a hold of any `quantity` seats may take those that its quote is about. */
export function quotedSeats(event: BookableEvent, quantity: number, terms: PriceTerms): readonly string[] | null {
  if (event.pricing === 'list' || terms.pricing?.kind !== 'quote') return null;
  const seats = terms.pricing.quote.places.flatMap((places) => places.seats);
  return terms.pricing.quote.eventId === event.id && seats.length === quantity ? seats : null;
}

function listAmount(event: BookableEvent, category: string): bigint {
  const amount = event.prices.get(category);
  // The catalogue refuses an event whose hall has a category without a price.
  if (amount === undefined) throw new Error(`event ${event.id} has no price for ${category}`);
  return amount;
}

type Listed = QuoteSubject['places'][number];

function priced(
  event: BookableEvent,
  places: readonly Listed[],
  terms: PriceTerms,
  unitAmountOf: (places: Listed) => bigint,
  quote: Quote | null,
): Priced {
  const lines = places.map((each): PriceLine => {
    const { category, quantity } = each;
    return { kind: 'place', label: `${event.name}, ${category}`, category, quantity, unitAmount: unitAmountOf(each) };
  });
  const quantity = places.reduce((sum, each) => sum + each.quantity, 0);
  return { ...withPlatformFee(lines, event.currency, quantity, terms.fee), quote };
}
