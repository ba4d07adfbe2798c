import type { z } from 'zod';
import type { eventEnvelope } from '../contracts/event-envelope.ts';
import type { Tx } from '../db/transaction.ts';
import { newId, type MessageId } from '../ids.ts';
import { subjectOf, type Family } from '../bus/topology.ts';

/** An event as a use case hands it over. */
export interface OutgoingEvent {
  readonly family: Family;
  /** Type without family and version, e.g. `capture_requested`; last token of the subject. */
  readonly name: string;
  /** The booking (or other thing) whose events keep their order. */
  readonly orderingKey: string;
  /** 1, 2, 3 … per ordering key and family; the caller counts under its row lock. */
  readonly seq: number;
  readonly data: unknown;
  /** Id of the request or message that led to this event. */
  readonly cause: string;
  readonly traceparent?: string | null;
  /** Business time; the database writes it into `created_at` as well. */
  readonly at: Date;
  /** Not to be published before this moment. */
  readonly availableAt?: Date;
}

/** What consumers receive. */
export type EventEnvelope = Omit<z.input<typeof eventEnvelope>, 'family' | 'data'> & { family: Family; data: unknown };

/** The rows of an outbox, column by column, for a set-based insert that is part of a larger statement. */
export interface OutboxRows {
  ids: MessageId[];
  subjects: string[];
  orderingKeys: string[];
  families: string[];
  seqs: number[];
  payloads: string[];
  traceparents: (string | null)[];
  availableAts: (Date | null)[];
}

/** Turns events into outbox columns. `source` is the service, e.g. `/booking`. Pure but for the new ids. */
export function toOutboxRows(source: string, events: readonly OutgoingEvent[]): OutboxRows {
  const rows: OutboxRows = {
    ids: [],
    subjects: [],
    orderingKeys: [],
    families: [],
    seqs: [],
    payloads: [],
    traceparents: [],
    availableAts: [],
  };
  for (const event of events) {
    const id = newId('msg');
    const envelope: EventEnvelope = {
      specversion: '1.0',
      id,
      source,
      type: `holdfast.${event.family}.${event.name}.v1`,
      subject: event.orderingKey,
      time: event.at.toISOString(),
      datacontenttype: 'application/json',
      family: event.family,
      sequence: event.seq,
      cause: event.cause,
      ...(event.traceparent ? { traceparent: event.traceparent } : {}),
      data: event.data,
    };
    rows.ids.push(id);
    rows.subjects.push(subjectOf(event.family, event.orderingKey, event.name));
    rows.orderingKeys.push(event.orderingKey);
    rows.families.push(event.family);
    rows.seqs.push(event.seq);
    rows.payloads.push(JSON.stringify(envelope));
    rows.traceparents.push(event.traceparent ?? null);
    rows.availableAts.push(event.availableAt ?? null);
  }
  return rows;
}

/** Writes events into this transaction's outbox: they are sent if and only if it commits. Nudge the relay after the commit. */
export async function appendToOutbox(tx: Tx, source: string, events: readonly OutgoingEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = toOutboxRows(source, events);
  await tx.query(
    // The clock stands in subqueries: asked once a statement, not once a row.
    `insert into outbox (id, subject, ordering_key, family, seq, payload, traceparent, created_at, available_at)
     select id, subject, ordering_key, family, seq, payload, traceparent, (select clock.app_now()),
            coalesce(available_at, (select clock.app_now()))
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::timestamptz[])
         as row (id, subject, ordering_key, family, seq, payload, traceparent, available_at)`,
    [
      rows.ids,
      rows.subjects,
      rows.orderingKeys,
      rows.families,
      rows.seqs,
      rows.payloads,
      rows.traceparents,
      rows.availableAts,
    ],
  );
}
