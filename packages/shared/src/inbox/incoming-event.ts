import type { Family } from '../bus/topology.ts';
import { eventEnvelope } from '../contracts/event-envelope.ts';

/** An event as a handler gets it; `data` is checked by the handler's own schema. */
export interface IncomingEvent {
  readonly id: string;
  readonly type: string;
  /** Of the event's data: a consumer understands versions up to the one that it knows. */
  readonly version: number;
  /** The name in the type, e.g. `captured`. */
  readonly name: string;
  readonly family: Family;
  readonly orderingKey: string;
  readonly sequence: number;
  readonly time: Date;
  readonly cause: string;
  readonly traceparent: string | null;
  readonly data: unknown;
}

/** What a consumer needs of an envelope; the rest is for others who read the stream. */
const envelopeSchema = eventEnvelope.pick({
  ...{ id: true, type: true, subject: true, family: true, sequence: true },
  ...{ time: true, cause: true, traceparent: true, data: true },
});

/** The newest version of events that this release understands (docs/adding-a-use-case.md, Adding an event). */
export const KNOWN_VERSION = 1;

/** @throws Error when the payload is not one of our envelopes of this family. */
export function parseEvent(payload: string, family: Family): IncomingEvent {
  const envelope = envelopeSchema.parse(JSON.parse(payload));
  if (envelope.family !== family) throw new Error(`event of family ${envelope.family} at a consumer of ${family}`);
  return {
    id: envelope.id,
    type: envelope.type,
    version: Number(envelope.type.split('.')[3]!.slice(1)),
    name: envelope.type.split('.')[2]!,
    family,
    orderingKey: envelope.subject,
    sequence: envelope.sequence,
    time: new Date(envelope.time),
    cause: envelope.cause,
    traceparent: envelope.traceparent ?? null,
    data: envelope.data,
  };
}
