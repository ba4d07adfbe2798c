/** A wish to stop: Ctrl-C, SIGTERM, a closed terminal, or the end of the process that started this one. */
export interface StopRequest {
  /** True from the first request on. */
  readonly wanted: boolean;
  /** Calls back once, at the first request, or at once when it has been made. */
  whenWanted(callback: () => void): void;
}

/**
 * Listens for the wish to stop. Ctrl-C reaches this process twice (from the terminal and from the parent), so a second signal is
 * only taken as impatience, and the process left to its guard, when it comes at least 2 s after the first.
 */
export function onStopRequest(): StopRequest {
  const callbacks: (() => void)[] = [];
  let requestedAt: number | undefined;
  const request = () => {
    if (requestedAt !== undefined) {
      if (Date.now() - requestedAt > 2000) process.exit(130);
      return;
    }
    requestedAt = Date.now();
    for (const callback of callbacks.splice(0)) callback();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, request);
  // The channel to bootstrap.mjs closes when that process is gone, whatever ended it.
  process.on('disconnect', request);
  process.channel?.unref();
  return {
    get wanted() {
      return requestedAt !== undefined;
    },
    whenWanted(callback) {
      if (requestedAt === undefined) callbacks.push(callback);
      else callback();
    },
  };
}
