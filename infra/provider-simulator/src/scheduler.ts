/** Time as the simulator sees it. Tests hand in one whose clock they move themselves. */
export interface Scheduler {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `task` once after `delay_ms`; the returned function calls it off. */
  after(delay_ms: number, task: () => void): () => void;
}

export const systemScheduler: Scheduler = {
  now: () => Date.now(),
  after: (delay_ms, task) => {
    const timer = setTimeout(task, delay_ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delay_ms` of the scheduler's time; at once for 0. */
export function pause(scheduler: Scheduler, delay_ms: number): Promise<void> {
  if (delay_ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    scheduler.after(delay_ms, resolve);
  });
}
