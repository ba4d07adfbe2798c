import { z } from 'zod';
import { CONSUMERS, consumersOf, FAMILIES, PARTITIONS, streamOf, type Family } from '../bus/topology.ts';
import { eventEnvelope } from '../contracts/event-envelope.ts';
import { EVENTS_BY_FAMILY } from './events-by-family.ts';

/** A JSON Schema, as far as this code looks into one. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

export interface AsyncApiMessage {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly contentType: string;
  readonly payload: JsonSchema;
}

interface Reference {
  readonly $ref: string;
}

interface Operation {
  readonly action: 'send' | 'receive';
  readonly channel: Reference;
  readonly summary: string;
}

export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly defaultContentType: string;
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly messages: Readonly<Record<string, Reference>> }>
  >;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: { readonly messages: Readonly<Record<string, AsyncApiMessage>> };
}

const CONTENT_TYPE = 'application/cloudevents+json';

const ABOUT: Readonly<Record<Family, { readonly by: string; readonly tells: string }>> = {
  hold: { by: 'booking', tells: 'holds taken and extended; nobody takes them yet' },
  booking: { by: 'booking', tells: 'what became of a booking' },
  checkout: { by: 'booking', tells: 'what the checkout saga asks of the payment service' },
  payment: { by: 'payment', tells: 'what the payment service answers' },
  account: { by: 'gateway', tells: 'what a user is told about its account' },
  notification_retry: { by: 'notification', tells: 'messages that are due again' },
  dead_letter: { by: 'every service that consumes', tells: 'copies of what was given up' },
};

/**
 * The AsyncAPI 3.0 document of all events, made from the schemas by which consumers check them and from the declared streams.
 * `version` is that of the release.
 */
export function createAsyncApiDocument(version: string): AsyncApiDocument {
  const families = Object.keys(FAMILIES) as Family[];
  const messages = families.flatMap((family) =>
    Object.entries(EVENTS_BY_FAMILY[family]).map(([name, data]) => messageOf(family, name, data)),
  );
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Holdfast events',
      version,
      description:
        'Events between the services, over NATS JetStream. Delivery is at least once and in order of `sequence` for one `subject` and family; a consumer that has seen an id does nothing. Amounts are in minor units. Fields may be added at any time: ignore those that you do not know.',
    },
    defaultContentType: CONTENT_TYPE,
    channels: Object.fromEntries(families.map((family) => [family, channelOf(family)])),
    operations: Object.fromEntries(families.flatMap(operationsOf)),
    components: { messages: Object.fromEntries(messages.map((message) => [message.name, message])) },
  };
}

function channelOf(family: Family) {
  // FAMILIES has the wildcard behind the family; subjectOf() puts partition and name in its place.
  const address = FAMILIES[family].replace('>', '{partition}.{event}');
  return {
    address,
    title: family,
    description: `Stream ${streamOf(FAMILIES[family])}: ${ABOUT[family].tells}.`,
    parameters: {
      partition: {
        description: `By the event's subject, so that consumption can be spread without a new layout`,
        enum: Array.from({ length: PARTITIONS }, (_, partition) => String(partition).padStart(2, '0')),
      },
      event: { description: 'The name in the type', enum: Object.keys(EVENTS_BY_FAMILY[family]) },
    },
    messages: Object.fromEntries(
      Object.keys(EVENTS_BY_FAMILY[family]).map((name) => [
        name,
        { $ref: `#/components/messages/${typeOf(family, name)}` },
      ]),
    ),
  };
}

function operationsOf(family: Family): [string, Operation][] {
  const channel = { $ref: `#/channels/${family}` };
  return [
    [`send_${family}`, { action: 'send', channel, summary: `Published by ${ABOUT[family].by}` }],
    ...consumersOf(family).map((consumer): [string, Operation] => [
      `receive_${consumer}`,
      { action: 'receive', channel, summary: `Durable consumer ${consumer} of stream ${CONSUMERS[consumer].stream}` },
    ]),
  ];
}

function messageOf(family: Family, name: string, data: z.ZodObject): AsyncApiMessage {
  const type = typeOf(family, name);
  const schema = jsonSchemaOf(eventEnvelope.extend({ type: z.literal(type), family: z.literal(family), data }), type);
  return {
    name: type,
    title: name.replaceAll('_', ' '),
    summary: data.meta()?.description ?? '',
    contentType: CONTENT_TYPE,
    payload: schema,
  };
}

/** Every event has version 1 of its data so far. */
function typeOf(family: Family, name: string): string {
  return `holdfast.${family}.${name}.v1`;
}

/** @throws for a part of which JSON Schema says nothing: anything would be allowed there, and its change would go unseen. */
function jsonSchemaOf(schema: z.ZodType, type: string): JsonSchema {
  // Readers take what they do not know; `output` would forbid the fields of the next release.
  const json: JsonSchema = z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
  refuseEmptySchemas(json, type);
  delete json.$schema;
  return json;
}

function refuseEmptySchemas(schema: unknown, path: string): void {
  if (typeof schema !== 'object' || schema === null) return;
  if (Object.keys(schema).length === 0) throw new Error(`there is no JSON Schema for ${path}`);
  for (const [key, part] of Object.entries(schema)) refuseEmptySchemas(part, `${path}.${key}`);
}
