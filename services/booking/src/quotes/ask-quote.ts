import { randomBytes } from 'node:crypto';
import type { Pool } from '@holdfast/shared/db/pool';
import { amountToJson } from '@holdfast/shared/money';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import { quoteFits, type HoldPricing, type QuoteSubject } from './quote-rules.ts';
import { readDemand } from './quote-store.ts';
import type { NoQuoteReason, Quoter, QuoterAnswer } from './quoter.ts';

export interface AskQuoteDeps {
  readonly pool: Pool;
  readonly quoter: Quoter;
  readonly logger: Logger;
  /** The longest that one question may take, in ms. */
  readonly timeoutMs: number;
  readonly onAsked: (outcome: 'quoted' | 'not_offered' | NoQuoteReason) => void;
}

export type AskedQuote =
  | HoldPricing
  | { readonly kind: 'not_offered'; readonly reason: string }
  /** No price can be told, and the event is not sold at its list prices. */
  | { readonly kind: 'refused' };

/**
 * Asks the quoter what places of an event cost, once: a question that failed costs its time already. Without a usable answer the event's
 * own rule decides. Holds no transaction; nothing is written.
 */
export async function askQuote(
  deps: AskQuoteDeps,
  subject: QuoteSubject,
  fallback: 'list' | 'refuse',
  timeLeftMs: number,
): Promise<AskedQuote> {
  const demand = await readDemand(deps.pool, subject.eventId);
  const timeoutMs = Math.min(deps.timeoutMs, timeLeftMs);
  const answer: QuoterAnswer =
    timeoutMs <= 0
      ? { kind: 'none', why: 'timeout' }
      : await deps.quoter.ask(
          {
            version: 1,
            nonce: randomBytes(18).toString('base64url'),
            event: {
              id: subject.eventId,
              starts_at: subject.startsAt.toISOString(),
              ends_at: subject.endsAt.toISOString(),
            },
            currency: subject.currency,
            places: subject.places.map(({ category, quantity, seats, listAmount }) => ({
              category,
              quantity,
              seats: [...seats],
              list_amount: amountToJson(listAmount),
            })),
            demand: { capacity: demand.capacity, taken: demand.taken },
            asked_at: demand.now.toISOString(),
          },
          timeoutMs,
        );
  if (answer.kind === 'not_offered') {
    deps.onAsked('not_offered');
    return answer;
  }
  if (answer.kind === 'quote' && quoteFits(answer.quote, subject, demand.now)) {
    deps.onAsked('quoted');
    return answer;
  }
  const why = answer.kind === 'quote' ? 'unfit' : answer.why;
  deps.onAsked(why);
  deps.logger.warn({ event_id: subject.eventId, why, fallback }, 'no quote could be had');
  return fallback === 'list' ? { kind: 'list' } : { kind: 'refused' };
}
