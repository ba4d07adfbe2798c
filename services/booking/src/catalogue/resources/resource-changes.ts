import { resourceBody } from '@holdfast/shared/contracts/catalogue';
import type { PatchCall } from '../answer-patch.ts';
import type { ResourceJson } from './resource-json.ts';
import { RESOURCES } from './resource-kind.ts';
import { updateResource } from './update-resource.ts';

/** How a resource is changed. */
export const RESOURCE_CHANGES: PatchCall<typeof resourceBody, ResourceJson> = {
  kind: RESOURCES,
  body: resourceBody,
  toFields: ({ venue_id, name, slot_minutes, min_slots, max_slots, opening_hours, exceptions, price_per_slot }) => ({
    ...{ venue_id, name, slot_minutes, min_slots, max_slots, opening_hours, exceptions, price_per_slot },
  }),
  immutable: ['venue_id'],
  update: updateResource,
};
