const EVERY_MS = 10;

/**
 * Waits until `probe` gives something other than undefined, null or false, and returns it: for what another process does in its own
 * time and gives no signal of. Inside one process drain or await instead.
 * @throws Error naming `what` after `timeout_ms`, with the probe's last error as its cause.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  timeout_ms = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeout_ms;
  let lastError: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== null && found !== false) return found;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeout_ms} ms for ${what}`, { cause: lastError });
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
