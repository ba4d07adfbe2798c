const FIRST_DELAY_MS = 5_000;
const GROWTH = 4;
const LONGEST_DELAY_MS = 3_600_000;
/** Part of a delay that is left to chance, so that messages which failed together do not come back together. */
const JITTER = 0.25;

/**
 * Pause after the nth attempt failed, in ms: 5 s, 20 s, 80 s, 5 min 20 s, 21 min, then an hour, each a quarter longer or shorter by
 * chance. With 8 attempts a mail server may be away for about two and a half hours. `random` is in [0, 1).
 */
export function retryDelayMs(attempt: number, random: number): number {
  if (!Number.isInteger(attempt) || attempt < 1) throw new RangeError(`attempt ${attempt}`);
  const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * GROWTH ** (attempt - 1));
  return Math.round(delay * (1 - JITTER + 2 * JITTER * random));
}
