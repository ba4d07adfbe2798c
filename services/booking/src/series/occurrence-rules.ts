import type { Money } from '@holdfast/shared/money';
import { checkSlot, type SlotRefusal, type SlotRules } from '../inventory/slot-grid.ts';
import type { Occurrence } from './recurrence-rules.ts';

/** A stretch of time that is not free, in ms since the epoch, half-open. */
export interface TakenTime {
  readonly from: number;
  readonly to: number;
  readonly by: 'booking' | 'series' | 'waitlist';
}

export interface Conflict {
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly with: TakenTime['by'] | 'this_series';
}

export type Verdict =
  | { readonly verdict: 'free'; readonly slots: number; readonly price: Money }
  | { readonly verdict: 'conflict'; readonly conflicts: readonly Conflict[] }
  | { readonly verdict: 'closed'; readonly code: SlotRefusal }
  | { readonly verdict: 'excepted' };

export type JudgedOccurrence = Occurrence & Verdict;

/** What the verdicts depend on beside the occurrences. */
export interface OccurrenceFacts {
  readonly rules: SlotRules;
  readonly pricePerSlot: Money;
  readonly now: Date;
  /** By the occurrence's place in the list: what others have of its time. */
  readonly taken: ReadonlyMap<number, readonly TakenTime[]>;
}

/**
 * One verdict for each occurrence, in order: left out by the customer, closed (opening hours, grid, past), taken, or free with its
 * price. Occurrences are sorted by their start and equally long, so an earlier one of the series itself is in the way only if it is
 * the last free one.
 */
export function judgeOccurrences(
  occurrences: readonly Occurrence[],
  exceptions: ReadonlySet<string>,
  facts: OccurrenceFacts,
): JudgedOccurrence[] {
  let last: Occurrence | null = null;
  return occurrences.map((occurrence, index): JudgedOccurrence => {
    if (exceptions.has(occurrence.local)) return { ...occurrence, verdict: 'excepted' };
    const slot = checkSlot(facts.rules, occurrence.startsAt, occurrence.endsAt, facts.now);
    if (!slot.ok) return { ...occurrence, verdict: 'closed', code: slot.refusal };
    const conflicts = (facts.taken.get(index) ?? []).map((time) => overlap(occurrence, time));
    if (last && last.endsAt > occurrence.startsAt) {
      const own = { from: last.startsAt.getTime(), to: last.endsAt.getTime() };
      conflicts.push({ ...overlap(occurrence, { ...own, by: 'booking' }), with: 'this_series' });
    }
    if (conflicts.length > 0) return { ...occurrence, verdict: 'conflict', conflicts };
    last = occurrence;
    const { amount, currency } = facts.pricePerSlot;
    return {
      ...occurrence,
      verdict: 'free',
      slots: slot.slots,
      price: { amount: amount * BigInt(slot.slots), currency },
    };
  });
}

/** The part of the occurrence that is taken: how far somebody else's booking goes beyond it is not told. */
function overlap(occurrence: Occurrence, time: TakenTime): Conflict {
  return {
    startsAt: new Date(Math.max(occurrence.startsAt.getTime(), time.from)),
    endsAt: new Date(Math.min(occurrence.endsAt.getTime(), time.to)),
    with: time.by,
  };
}

/** Exceptions that name no occurrence, by their place in the list. */
export function unknownExceptions(occurrences: readonly Occurrence[], exceptions: readonly string[]): number[] {
  const known = new Set(occurrences.map(({ local }) => local));
  return exceptions.flatMap((exception, index) => (known.has(exception) ? [] : [index]));
}
