import { askQuote, type AskQuoteDeps } from '../quotes/ask-quote.ts';
import type { HoldRefusal } from './decide-holds.ts';
import type { HoldBatcher } from './hold-batcher.ts';
import type { HoldCommand } from './hold-command.ts';
import type { NeedsQuote } from './price-event.ts';
import type { HoldResult } from './settle-hold-batch.ts';

export interface PlaceHoldDeps {
  readonly batcher: Pick<HoldBatcher, 'submit'>;
  readonly quotes: AskQuoteDeps;
}

/** `apart`: the hold must wait for a quote, and those that came with it must not wait for that. */
export type PlacedHold = HoldResult | { readonly kind: 'apart' };

/** What a batch may take after the quote came. */
const SETTLE_MS = 500;
/** A second question is for places that were taken, or a price that ran out, while the first one was answered. */
const MOST_QUESTIONS = 2;

/**
 * Settles a hold. One of an event with quoted prices is first decided without a price: so a refusal, or the stored answer of a key, needs
 * no quote, and the question is about the very places. Then the quoter is asked, with no transaction open, and the hold is decided
 * again with the quote. Nothing is held meanwhile, so a quoter that fails leaves no half booking.
 *
 * `mayWait` false gives `apart` instead of asking. `deadlineAt` is on `performance.now()`.
 */
export async function placeHold(
  deps: PlaceHoldDeps,
  command: HoldCommand,
  { mayWait, deadlineAt }: { readonly mayWait: boolean; readonly deadlineAt: number },
): Promise<PlacedHold> {
  let result = await deps.batcher.submit(command);
  for (let questions = 0; needsQuote(result); questions += 1) {
    if (!mayWait) return { kind: 'apart' };
    const { subject, fallback } = result.refusal;
    if (questions > MOST_QUESTIONS) return refused({ code: 'quote_unavailable' });
    // Where the places change faster than prices can be asked, the event's rule decides.
    const timeLeftMs = questions === MOST_QUESTIONS ? 0 : deadlineAt - performance.now() - SETTLE_MS;
    const asked = await askQuote(deps.quotes, subject, fallback, timeLeftMs);
    if (asked.kind === 'refused') return refused({ code: 'quote_unavailable' });
    if (asked.kind === 'not_offered') return refused({ code: 'no_longer_offered', reason: asked.reason });
    result = await deps.batcher.submit({ ...command, pricing: asked });
  }
  return result;
}

function needsQuote(result: HoldResult): result is { kind: 'refused'; refusal: NeedsQuote } {
  return result.kind === 'refused' && result.refusal.code === 'quote_needed';
}

function refused(refusal: HoldRefusal): HoldResult {
  return { kind: 'refused', refusal };
}
