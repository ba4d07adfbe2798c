import type { Pool } from '@holdfast/shared/db/pool';
import { isId, type EventId } from '@holdfast/shared/ids';
import type { HallLayout, HallLayouts } from '../inventory/hall-layout.ts';
import { countMembers, seatMembers, type SeatView } from './availability-body.ts';
import { readPoolInventory, readSeatInventory } from './availability-store.ts';
import { BodyCache, type CachedBody } from './body-cache.ts';
import type { InventoryVersions } from './inventory-versions.ts';
import type { SharedBodies } from './shared-bodies.ts';

const CACHE_BYTES = 32 * 1024 * 1024;

export interface EventAvailabilityDeps {
  readonly pool: Pool;
  readonly layouts: HallLayouts;
  readonly versions: InventoryVersions;
  /** Null without Redis. */
  readonly shared: SharedBodies | null;
}

export interface EventAvailability {
  /** The event's inventory version as of now: who has it needs no body. */
  readonly version: bigint;
  /** The JSON answer, with the version that it shows: that one or, when a claim was made in between, a later one. */
  readonly body: () => Promise<{ version: bigint; json: Buffer }>;
}

/**
 * Availability of events. The version is read from PostgreSQL for every call; the body that belongs to a version is built once a
 * process, from one snapshot of the claims, however many ask for it at the same moment, or taken over from a replica that has built it.
 */
export class EventAvailabilityReader {
  readonly #deps: EventAvailabilityDeps;
  readonly #cache = new BodyCache(CACHE_BYTES);
  readonly #building = new Map<string, Promise<CachedBody>>();

  constructor(deps: EventAvailabilityDeps) {
    this.#deps = deps;
  }

  /** Null for an unknown or malformed id. */
  async read(id: string, view: SeatView): Promise<EventAvailability | null> {
    const row = isId('evt', id) ? await this.#deps.versions.read(id) : null;
    if (!row) return null;
    return {
      version: row.inventory_version,
      body: async () => {
        const end = await this.#bodyAt(row.id, row.inventory, view, row.inventory_version);
        const start = `{"event_id":"${row.id}","version":${end.version},"as_of":"${row.now.toISOString()}",`;
        return { version: end.version, json: Buffer.concat([Buffer.from(start), end.bytes]) };
      },
    };
  }

  async #bodyAt(id: EventId, inventory: 'seats' | 'pool', view: SeatView, version: bigint): Promise<CachedBody> {
    const key = inventory === 'pool' ? id : `${id} ${view}`;
    for (;;) {
      const cached = this.#cache.get(key, version);
      if (cached) return cached;
      const running = this.#building.get(key);
      if (!running)
        return this.#start(key, () => this.#takeOrBuild(key, version, () => this.#build(id, inventory, view)));
      // It may have been started before this caller's version was committed; then its result is too old, and is built again.
      const built = await running;
      if (built.version >= version) return built;
    }
  }

  #start(key: string, build: () => Promise<CachedBody>): Promise<CachedBody> {
    const building = build()
      .then((body) => {
        this.#cache.set(key, body);
        return body;
      })
      .finally(() => this.#building.delete(key));
    this.#building.set(key, building);
    return building;
  }

  async #takeOrBuild(key: string, version: bigint, build: () => Promise<CachedBody>): Promise<CachedBody> {
    const { shared } = this.#deps;
    const taken = await shared?.get(key, version);
    if (taken) return taken;
    const built = await build();
    shared?.put(key, built);
    return built;
  }

  async #build(id: EventId, inventory: 'seats' | 'pool', view: SeatView): Promise<CachedBody> {
    const { pool, layouts } = this.#deps;
    if (inventory === 'pool') {
      const row = await readPoolInventory(pool, id);
      return { version: row.inventory_version, bytes: Buffer.from(`${countMembers(row)}}`) };
    }
    const row = await readSeatInventory(pool, id);
    const layout = await layouts.get(pool, row.hall_id, row.hall_version);
    const members = seatMembers(layout, row.cancelled ? allBut(layout, row.booked) : row.locked, row.booked, view);
    return { version: row.inventory_version, bytes: Buffer.from(`${members}}`) };
  }
}

/** Of a cancelled event nothing is free: what is not sold shows as locked, like what the house keeps. */
function allBut(layout: HallLayout, booked: readonly string[]): string[] {
  const sold = new Set(booked);
  return layout.seats.flatMap(({ label }) => (sold.has(label) ? [] : [label]));
}
