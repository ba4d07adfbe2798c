import { randomUUID } from 'node:crypto';
import { MAX_UNIT_AMOUNT, type QuoteAnswer, type QuoteRequest } from '@holdfast/shared/contracts/quotes';
import { demandPrice } from './demand-price.ts';

/** What somebody has taken out of sale here, and why. */
export type ClosedEvents = ReadonlyMap<string, string>;

/** The answer to one question, by demand. Business time is the question's: it may be moved in tests. */
export function answerQuestion(request: QuoteRequest, closed: ClosedEvents, quoteSeconds: number): QuoteAnswer {
  const { nonce, event, currency, demand } = request;
  const askedAt = Date.parse(request.asked_at);
  const base = { nonce, event_id: event.id };
  const reason = closed.get(event.id) ?? (Date.parse(event.ends_at) <= askedAt ? 'over' : null);
  if (reason !== null) return { ...base, valid: false, reason };

  const wanted = request.places.reduce((sum, { quantity }) => sum + quantity, 0);
  const hoursLeft = (Date.parse(event.starts_at) - askedAt) / 3_600_000;
  return {
    ...base,
    valid: true,
    quote_id: randomUUID(),
    currency,
    places: request.places.map(({ category, quantity, seats, list_amount }) => {
      const taken = demand.taken + wanted;
      const price = demandPrice({ listAmount: list_amount, capacity: demand.capacity, taken, hoursLeft });
      return { category, quantity, seats, unit_amount: Math.min(price, MAX_UNIT_AMOUNT) };
    }),
    expires_at: new Date(askedAt + quoteSeconds * 1_000).toISOString(),
  };
}
