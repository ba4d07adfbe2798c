import type { Tx } from '@holdfast/shared/db/transaction';
import type { EventId, IdPrefix, ResourceId } from '@holdfast/shared/ids';
import type { CatalogueObject } from './answer-create.ts';

/** An object as it is under the locks of a change. */
export interface Locked<T> {
  readonly object: T;
  /** What it lies in and what is archived, e.g. `its venue`; else null. */
  readonly archivedAround: string | null;
}

/** What can be booked of an object or beneath it. */
export interface Inventory {
  readonly eventIds: readonly EventId[];
  readonly resourceIds: readonly ResourceId[];
}

/** What changes, archives and restores need to know of one kind of object. */
export interface CatalogueKind<T extends CatalogueObject> {
  readonly collection: 'venues' | 'resources' | 'halls' | 'events';
  readonly prefix: IdPrefix;
  /**
   * Locks the object and reads it. Locks are taken from the outside in (venue, hall, event, resource), what the object lies in with a
   * lock that others may share: it is not archived meanwhile. Null when there is no such object.
   */
  lock(tx: Tx, id: string): Promise<Locked<T> | null>;
  /** What lies beneath a locked object and is not over; nothing can be added to it while the lock is held. */
  inventoryOf(tx: Tx, id: string): Promise<Inventory>;
  read(tx: Tx, id: string): Promise<T | null>;
}
