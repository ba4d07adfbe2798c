import type { Queryable } from '@holdfast/shared/db/transaction';
import { isId } from '@holdfast/shared/ids';
import { toResourceJson, type ResourceJson } from './resource-json.ts';
import { findResource } from './resource-store.ts';

/** The resource, archived or not; null for an unknown or malformed id. */
export async function readResource(db: Queryable, id: string): Promise<ResourceJson | null> {
  const resource = isId('res', id) ? await findResource(db, id) : null;
  return resource && toResourceJson(resource);
}
