const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** Pauses after the first attempt, the second, and so on; the last one repeats. */
const DELAYS_MS = [5 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 4 * HOUR];
/** Part of a delay that is left to chance, so that messages which failed together do not come back together. */
const JITTER = 0.1;

/**
 * Pause after the nth attempt failed, in ms: 5 s, 30 s, 1 min, 5 min, 20 min, 1 h, 4 h, each a tenth longer or shorter by chance. With
 * 8 attempts a provider may be away for about five and a half hours. `random` is in [0, 1).
 */
export function retryDelayMs(attempt: number, random: number): number {
  if (!Number.isInteger(attempt) || attempt < 1) throw new RangeError(`attempt ${attempt}`);
  const delay = DELAYS_MS[Math.min(attempt, DELAYS_MS.length) - 1]!;
  return Math.round(delay * (1 - JITTER + 2 * JITTER * random));
}
