import { eventBody } from '@holdfast/shared/contracts/catalogue';
import type { PatchCall } from '../answer-patch.ts';
import type { EventJson } from './event-json.ts';
import { EVENTS } from './event-kind.ts';
import { KEPT_FIELDS, toEventFields, updateEvent } from './update-event.ts';

/** How an event is changed; `quoting` says whether there is a quoter. */
export function eventChanges(quoting: boolean): PatchCall<typeof eventBody, EventJson> {
  return {
    kind: EVENTS,
    body: eventBody,
    toFields: toEventFields,
    immutable: KEPT_FIELDS,
    update: (tx, current, input) => updateEvent(tx, current, input, quoting),
  };
}
