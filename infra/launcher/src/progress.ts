/** Prints what is being set up, with the time since the command began; `detail` lines are indented. */
export interface Progress {
  step(line: string): void;
  detail(line: string): void;
  seconds(): string;
}

/** Progress on a stream. `startedAt` is `performance.timeOrigin`-like milliseconds, so that the set-up before this process counts. */
export function openProgress(startedAt: number, write = (text: string) => process.stdout.write(text)): Progress {
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1);
  return {
    step: (line) => void write(`[${seconds().padStart(5)} s] ${line}\n`),
    detail: (line) => void write(`          ${line}\n`),
    seconds,
  };
}
