import type { Scheduler } from '../scheduler.ts';

/** A clock that stands still until a test moves it. */
export class ManualScheduler implements Scheduler {
  #now: number;
  #tasks: { due: number; task: () => void }[] = [];
  #watchers: (() => void)[] = [];

  constructor(start: number = Date.now()) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(delay_ms: number, task: () => void): () => void {
    const entry = { due: this.#now + delay_ms, task };
    this.#tasks.push(entry);
    for (const watcher of this.#watchers.splice(0)) watcher();
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  }

  /** Resolves as soon as something waits for the time `delay_ms` from now. */
  async waitingFor(delay_ms: number): Promise<void> {
    while (!this.#tasks.some((entry) => entry.due === this.#now + delay_ms)) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#tasks.filter((entry) => entry.due <= this.#now).sort((a, b) => a.due - b.due);
    this.#tasks = this.#tasks.filter((entry) => entry.due > this.#now);
    for (const entry of due) entry.task();
  }
}
