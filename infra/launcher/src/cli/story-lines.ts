import type { TimelineEntry } from '@holdfast/shared/contracts/timeline';

/**
 * A line for each entry: its number, the time since the first in ms, who, what, and the number of what led to it. Times of more than a
 * minute are shown in the largest unit that says enough.
 */
export function storyLines(entries: readonly TimelineEntry[]): string[] {
  const numbers = new Map<unknown, number>();
  entries.forEach(({ data }, index) => {
    // A thing has its number from where it first stands; a callback goes by the provider's id of its event.
    for (const id of [data['id'], data['event_id']]) {
      if (id !== undefined && !numbers.has(id)) numbers.set(id, index + 1);
    }
  });
  const zero = millisOf(entries[0]?.at ?? '');
  return entries.map(({ at, source, summary, cause }, index) => {
    const led = cause === null ? undefined : numbers.get(cause);
    const because = cause === null || led === index + 1 ? '' : `  ← ${led ?? cause}`;
    return `${String(index + 1).padStart(3)}  ${since(millisOf(at) - zero).padStart(9)}  ${source.padEnd(12)}  ${summary}${because}`;
  });
}

/** With the microseconds, which Date would drop. */
function millisOf(at: string): number {
  return Date.parse(at) + Number(/\.\d{3}(\d{3})Z$/.exec(at)?.[1] ?? 0) / 1000;
}

function since(millis: number): string {
  if (millis < 60_000) return `${millis.toFixed(1)} ms`;
  if (millis < 3_600_000) return `${(millis / 60_000).toFixed(1)} min`;
  return `${(millis / 3_600_000).toFixed(1)} h`;
}
