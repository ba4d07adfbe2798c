import type { Pool } from '@holdfast/shared/db/pool';
import type { EventId } from '@holdfast/shared/ids';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import type { HoldRequest } from '../holds/hold-request.ts';
import type { HallLayout, HallLayouts } from '../inventory/hall-layout.ts';
import { MOST_ALTERNATIVES, type Alternative } from './alternative.ts';
import { readHallPicture, readResourcePicture, readSeries, type ResourcePictureRow } from './alternatives-store.ts';
import { groupsInstead, nearestGroups } from './nearest-groups-rules.ts';
import { DAYS_LOOKED_AT, nearestRuns } from './nearest-runs-rules.ts';
import { RecentPictures } from './recent-pictures.ts';

interface HallPicture {
  readonly version: bigint;
  readonly layout: HallLayout;
  readonly categories: readonly string[];
  readonly taken: ReadonlySet<string>;
  /** What was worked out from this picture, by request. */
  readonly known: Map<string, readonly Alternative[]>;
}

interface SlotPicture extends ResourcePictureRow {
  readonly known: Map<string, readonly Alternative[]>;
}

export interface AlternativesDeps {
  readonly pool: Pool;
  readonly layouts: HallLayouts;
  readonly logger: Logger;
  /** For tests: how old what is offered may be, and how long a loser waits for it. */
  readonly freshMs?: number;
  readonly waitAtMostMs?: number;
}

const DAY_MS = 86_400_000;
/** Beyond so many new answers in a second, losers get none: the time belongs to those who can still win. */
const WORKED_OUT_PER_SECOND = 500;
const KNOWN_PER_PICTURE = 1_000;
/** A refusal is worth more now than with alternatives later. */
const WAIT_AT_MOST_MS = 150;

/**
 * Finds what a loser could take instead. Runs after the transaction of the hold and promises nothing: it looks at pictures of the
 * inventory that may be a moment old. It never makes a refusal fail; when it is in doubt, it offers nothing.
 */
export class AlternativesFinder {
  readonly #deps: AlternativesDeps;
  readonly #halls: RecentPictures<HallPicture | 'pool'>;
  readonly #series: RecentPictures<readonly Alternative[]>;
  readonly #slots: RecentPictures<SlotPicture>;
  #second = 0;
  #workedOut = 0;

  constructor(deps: AlternativesDeps) {
    this.#deps = deps;
    const options = { freshMs: deps.freshMs ?? 250, usableMs: 1_000, maxRunning: 2 };
    this.#halls = new RecentPictures(options);
    this.#series = new RecentPictures(options);
    this.#slots = new RecentPictures(options);
  }

  /** Up to five. Without `wait` only from what is at hand: for losers in a crowd, among whom are winners who wait for their answer. */
  async find(request: HoldRequest, wait: boolean): Promise<readonly Alternative[]> {
    const timeUp = Promise.withResolvers<readonly Alternative[]>();
    const timer = setTimeout(() => timeUp.resolve([]), this.#deps.waitAtMostMs ?? WAIT_AT_MOST_MS);
    try {
      const found = request.kind === 'slot' ? this.#forSlot(request, wait) : this.#forEvent(request, wait);
      return await Promise.race([found, timeUp.promise]);
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'no alternatives could be looked up');
      return [];
    } finally {
      clearTimeout(timer);
    }
  }

  async #forEvent(request: Exclude<HoldRequest, { kind: 'slot' }>, wait: boolean): Promise<readonly Alternative[]> {
    const { eventId } = request;
    const picture = await this.#halls.get(eventId, wait, (last) => this.#drawHall(eventId, last));
    if (picture === null) return [];
    if (picture === 'pool') return request.kind === 'quantity' ? this.#ofSeries(eventId, request.quantity, wait) : [];
    const isTaken = (label: string) => picture.taken.has(label);
    const inHall =
      request.kind === 'seats'
        ? this.#once(picture.known, [...request.seats].sort().join(), () =>
            nearestGroups(picture.layout, isTaken, request.seats, MOST_ALTERNATIVES).map((seats) => ({ seats })),
          )
        : this.#once(picture.known, `${request.quantity} ${request.category}`, () =>
            groupsInstead(picture.layout, isTaken, request, picture.categories, MOST_ALTERNATIVES).map((seats) => ({
              seats,
            })),
          );
    const quantity = request.kind === 'seats' ? request.seats.length : request.quantity;
    // What the house does not have, the other nights may.
    const left = MOST_ALTERNATIVES - inHall.length;
    return left === 0 ? inHall : [...inHall, ...(await this.#ofSeries(eventId, quantity, wait)).slice(0, left)];
  }

  async #drawHall(id: EventId, last: HallPicture | 'pool' | null): Promise<HallPicture | 'pool'> {
    if (last === 'pool') return last;
    const row = await readHallPicture(this.#deps.pool, id, last?.version ?? null);
    if (!row) return 'pool';
    if (row.taken === null) return last!;
    return {
      version: row.inventory_version,
      layout: await this.#deps.layouts.get(this.#deps.pool, row.hall_id, row.hall_version),
      categories: row.categories,
      taken: new Set(row.taken),
      known: new Map(),
    };
  }

  async #ofSeries(id: EventId, quantity: number, wait: boolean): Promise<readonly Alternative[]> {
    const found = await this.#series.get(`${id} ${quantity}`, wait, async () => {
      const events = await readSeries(this.#deps.pool, id, quantity, MOST_ALTERNATIVES);
      return events.map((event) => ({ event_id: event.id, starts_at: event.starts_at.toISOString() }));
    });
    return found ?? [];
  }

  async #forSlot(request: Extract<HoldRequest, { kind: 'slot' }>, wait: boolean): Promise<readonly Alternative[]> {
    const wanted = { from: request.startsAt.getTime(), to: request.endsAt.getTime() };
    // No zone is more than a day away from UTC; a run may end after the last date.
    const firstDay = Math.floor(wanted.from / DAY_MS) - 1;
    const lastDay = Math.ceil(wanted.to / DAY_MS) + DAYS_LOOKED_AT + 1;
    const key = `${request.resourceId} ${firstDay} ${lastDay}`;
    const picture = await this.#slots.get(key, wait, async () => {
      const [from, to] = [new Date(firstDay * DAY_MS), new Date(lastDay * DAY_MS)];
      const row = await readResourcePicture(this.#deps.pool, request.resourceId, from, to);
      return row && { ...row, known: new Map() };
    });
    if (picture === null) return [];
    return this.#once(picture.known, `${wanted.from} ${wanted.to}`, () =>
      nearestRuns(picture.rules, picture.claims, wanted, picture.now, MOST_ALTERNATIVES).map(({ from, to }) => ({
        starts_at: new Date(from).toISOString(),
        ends_at: new Date(to).toISOString(),
      })),
    );
  }

  /** Works an answer out once a picture, and not too many in one second. */
  #once(
    known: Map<string, readonly Alternative[]>,
    key: string,
    workOut: () => readonly Alternative[],
  ): readonly Alternative[] {
    const before = known.get(key);
    if (before) return before;
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) [this.#second, this.#workedOut] = [second, 0];
    if (++this.#workedOut > WORKED_OUT_PER_SECOND) return [];
    const alternatives = workOut();
    if (known.size < KNOWN_PER_PICTURE) known.set(key, alternatives);
    return alternatives;
  }
}
