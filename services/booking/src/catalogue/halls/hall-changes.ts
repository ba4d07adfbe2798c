import { hallBody } from '@holdfast/shared/contracts/catalogue';
import type { PatchCall } from '../answer-patch.ts';
import type { HallJson } from './hall-json.ts';
import { HALLS } from './hall-kind.ts';
import { updateHall } from './update-hall.ts';

/** How a hall is changed. */
export const HALL_CHANGES: PatchCall<typeof hallBody, HallJson> = {
  kind: HALLS,
  body: hallBody,
  toFields: ({ venue_id, name, rows }) => ({ venue_id, name, rows }),
  immutable: ['venue_id'],
  update: updateHall,
};
