import { Temporal } from 'temporal-polyfill';
import { checkSlot, slotsOfDate, type SlotRules } from '../inventory/slot-grid.ts';

/** Dates that are looked at: that of the request and a week after it, so that what is open once a week is found. */
export const DAYS_LOOKED_AT = 8;

/** A time range as ms since the epoch, half-open. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Up to `most` free runs as long as the one that was asked for: those of the same local date by their distance from it, then those of
 * the next dates by their distance from the same time of day. `claims` are in order and do not overlap.
 */
export function nearestRuns(
  rules: SlotRules,
  claims: readonly Range[],
  wanted: Range,
  now: Date,
  most: number,
): Range[] {
  const length = wanted.to - wanted.from;
  const start = Temporal.Instant.fromEpochMilliseconds(wanted.from).toZonedDateTimeISO(rules.timeZone);
  const found: Range[] = [];
  for (let day = 0; day < DAYS_LOOKED_AT && found.length < most; day++) {
    const target = start.add({ days: day });
    const isFree = ({ from, to }: Range) =>
      !isClaimed(claims, from, to) && checkSlot(rules, new Date(from), new Date(to), now).ok;
    const runs = slotsOfDate(rules, target.toPlainDate().toString())
      .map(({ startsAt }): Range => ({ from: startsAt.getTime(), to: startsAt.getTime() + length }))
      .filter(isFree)
      .sort((a, b) => {
        const at = target.epochMilliseconds;
        return Math.abs(a.from - at) - Math.abs(b.from - at) || a.from - b.from;
      });
    found.push(...runs.slice(0, most - found.length));
  }
  return found;
}

/** Whether a claim overlaps the range; only the first one that ends behind its start can. */
function isClaimed(claims: readonly Range[], from: number, to: number): boolean {
  let [low, high] = [0, claims.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (claims[middle]!.to > from) high = middle;
    else low = middle + 1;
  }
  const next = claims[low];
  return next !== undefined && next.from < to;
}
