import { Gauge, type Registry } from 'prom-client';

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a gauge says when there is nothing to tell the time of: alerts compare with `> 0` first. */
export const NO_TIME = 0;

/** Prometheus asks every 10 s; whoever asks more often gets the same answer. */
const FRESH_MS = 1_000;

/**
 * Gauges of state that lies outside the process, read together when Prometheus asks. While they cannot be read they keep their last
 * values, and `holdfast_state_read_timestamp_seconds` of their group stands still: the other metrics must still be readable.
 */
export function scrapedGauges<Name extends string>(options: {
  readonly registry: Registry;
  /** Says which gauges belong together, e.g. `sagas`. */
  readonly group: string;
  readonly gauges: Readonly<Record<Name, { readonly help: string; readonly labels?: readonly string[] }>>;
  readonly read: () => Promise<Readonly<Record<Name, readonly Sample[]>>>;
}): void {
  const { registry, group, read } = options;
  const { readAt, refreshes } = readTimes(registry);
  readAt.set({ group }, NO_TIME);
  let last: { readonly at: number; readonly done: Promise<void> } | null = null;
  const refresh = (): Promise<void> => {
    if (last === null || performance.now() - last.at > FRESH_MS) last = { at: performance.now(), done: take() };
    return last.done;
  };
  refreshes.push(refresh);
  const made = new Map<Name, Gauge>();
  const take = async () => {
    const found = await read().catch(() => null);
    if (found === null) return;
    for (const [name, gauge] of made) {
      gauge.reset();
      for (const { labels, value } of found[name]) gauge.set(labels ?? {}, value);
    }
    readAt.set({ group }, Date.now() / 1000);
  };
  for (const name of Object.keys(options.gauges) as Name[]) {
    const { help, labels } = options.gauges[name];
    made.set(name, new Gauge({ name, help, labelNames: [...(labels ?? [])], registers: [registry], collect: refresh }));
  }
}

interface ReadTimes {
  readonly readAt: Gauge;
  readonly refreshes: (() => Promise<void>)[];
}

const readTimesOf = new WeakMap<Registry, ReadTimes>();

/** The times of all groups of a registry, shown after what they tell the time of. */
function readTimes(registry: Registry): ReadTimes {
  const known = readTimesOf.get(registry);
  if (known) return known;
  const refreshes: ReadTimes['refreshes'] = [];
  const readAt = new Gauge({
    name: 'holdfast_state_read_timestamp_seconds',
    help: 'When the gauges of a group were last read from the database and the broker; 0: never',
    labelNames: ['group'],
    registers: [registry],
    async collect() {
      await Promise.all(refreshes.map((refresh) => refresh()));
    },
  });
  const made = { readAt, refreshes };
  readTimesOf.set(registry, made);
  return made;
}

/** Seconds since 1970 of an instant as PostgreSQL or our JSON tells it. */
export function seconds(at: Date | string | null): number {
  return at === null ? NO_TIME : new Date(at).getTime() / 1000;
}
