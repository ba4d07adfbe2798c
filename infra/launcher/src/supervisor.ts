import type { Guard, GuardedKind } from './guard.ts';
import type { ServerProcess } from './server-process.ts';

/** How to start one process and to end it. `start` resolves when the process is ready. */
export interface ProcessPlan {
  readonly name: string;
  readonly kind: GuardedKind;
  /** Told of the process as soon as it exists, so that a stop in the middle of a start can end it. */
  start(onSpawn: (process: ServerProcess) => void): Promise<ServerProcess>;
  readonly stopSignal: NodeJS.Signals;
  readonly graceMs: number;
}

export interface SupervisorEvents {
  /** A process is ready, for the first time or again. */
  onReady(name: string, pid: number): void;
  /** A process ended that should not have; it is about to be started again. */
  onEnded(name: string, how: string): void;
  /** A start did not work; the next attempt follows after the delay. */
  onRetry(name: string, error: unknown, delayMs: number): void;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** A process that ran this long starts from the shortest delay again. */
const HEALTHY_AFTER_MS = 10_000;

/** Keeps processes running until it is told to stop. */
export class Supervisor {
  readonly #guard: Guard;
  readonly #events: SupervisorEvents;
  readonly #watched = new Map<string, { plan: ProcessPlan; process: ServerProcess | undefined; loop: Promise<void> }>();
  readonly #starting = new Map<ServerProcess, ProcessPlan>();
  readonly #stopping = new AbortController();

  constructor(guard: Guard, events: SupervisorEvents) {
    this.#guard = guard;
    this.#events = events;
  }

  /** Starts a process and watches it from then on. @throws when the first start fails: that is for the user to see. */
  async add(plan: ProcessPlan): Promise<ServerProcess> {
    this.#stopping.signal.throwIfAborted();
    const first = await this.#start(plan);
    if (this.#stopping.signal.aborted) {
      await this.#end(plan, first);
      this.#stopping.signal.throwIfAborted();
    }
    const entry = { plan, process: first as ServerProcess | undefined, loop: Promise.resolve() };
    this.#watched.set(plan.name, entry);
    entry.loop = this.#watch(entry);
    return first;
  }

  async #start(plan: ProcessPlan): Promise<ServerProcess> {
    const spawned: ServerProcess[] = [];
    try {
      const started = await plan.start((process) => {
        spawned.push(process);
        this.#guard.add(process.pid, plan.kind);
        this.#starting.set(process, plan);
        void process.exited.then(() => {
          this.#guard.remove(process.pid);
          this.#starting.delete(process);
        });
        // The stop may come between two processes of one start, such as initdb and the server.
        if (this.#stopping.signal.aborted) void this.#end(plan, process);
      });
      this.#events.onReady(plan.name, started.pid);
      return started;
    } catch (error) {
      await Promise.all(spawned.map((process) => this.#end(plan, process)));
      throw error;
    } finally {
      for (const process of spawned) this.#starting.delete(process);
    }
  }

  async #watch(entry: { plan: ProcessPlan; process: ServerProcess | undefined }): Promise<void> {
    const { plan } = entry;
    let delay = FIRST_DELAY_MS;
    let startedAt = Date.now();
    for (;;) {
      const how = await (entry.process as ServerProcess).exited;
      entry.process = undefined;
      if (this.#stopping.signal.aborted) return;
      this.#events.onEnded(plan.name, how);
      if (Date.now() - startedAt > HEALTHY_AFTER_MS) delay = FIRST_DELAY_MS;
      while (entry.process === undefined) {
        await sleep(delay, this.#stopping.signal);
        if (this.#stopping.signal.aborted) return;
        delay = Math.min(delay * 2, LONGEST_DELAY_MS);
        try {
          startedAt = Date.now();
          entry.process = await this.#start(plan);
        } catch (error) {
          if (this.#stopping.signal.aborted) return;
          this.#events.onRetry(plan.name, error, delay);
        }
      }
      if (this.#stopping.signal.aborted) {
        await this.#end(plan, entry.process);
        return;
      }
    }
  }

  async #end(plan: ProcessPlan, running: ServerProcess): Promise<void> {
    await running.stop(plan.stopSignal, plan.graceMs);
  }

  /** Ends everything, group by group; the names of one group end side by side. Processes in no group end last. */
  async stop(groups: readonly (readonly string[])[]): Promise<void> {
    this.#stopping.abort(new Error('the stack is stopping'));
    await Promise.all([...this.#starting].map(([process, plan]) => this.#end(plan, process)));
    const named = new Set(groups.flat());
    const rest = [...this.#watched.keys()].filter((name) => !named.has(name));
    for (const group of [...groups, rest]) {
      await Promise.all(
        group.map(async (name) => {
          const entry = this.#watched.get(name);
          if (entry === undefined) return;
          if (entry.process !== undefined) await this.#end(entry.plan, entry.process);
          await entry.loop;
        }),
      );
    }
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
