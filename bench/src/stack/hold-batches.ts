/** How booking gathered holds, from its metrics; null when it has settled none. @throws when it does not answer. */
export async function readHoldBatches(bookingUrl: string): Promise<{ batches: number; meanSize: number } | null> {
  const response = await fetch(`${bookingUrl}/metrics`, { signal: AbortSignal.timeout(3_000) });
  const text = await response.text();
  const value = (name: string) =>
    Number(new RegExp(`^holdfast_hold_batch_size_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const batches = value('count');
  return batches === 0 ? null : { batches, meanSize: value('sum') / batches };
}
