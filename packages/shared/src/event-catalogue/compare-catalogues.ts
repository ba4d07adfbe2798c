import { isDeepStrictEqual } from 'node:util';
import type { AsyncApiDocument, JsonSchema } from './asyncapi-document.ts';

/** What tells people something and does not decide whether a value is allowed. */
const ANNOTATIONS = new Set(['title', 'description', 'examples', 'deprecated']);
/** What is looked into part by part instead of being compared as a whole. */
const LOOKED_INTO = new Set(['properties', 'required', 'items', 'anyOf']);

/**
 * What in `next` would be misread between it and the release `last`: for a while services of both run side by side, and streams hold
 * events of the older one. So a schema may neither refuse what `last` sends (narrower) nor allow what `last` refuses (wider). What may
 * be done is to add: an event, or a field that nobody has to send. Anything else is a new version of the event.
 *
 * @returns one line for each finding, none when both releases understand each other.
 */
export function incompatibilities(last: AsyncApiDocument, next: AsyncApiDocument): string[] {
  const channels = Object.entries(last.channels).flatMap(([name, channel]) => {
    const now = next.channels[name];
    if (now === undefined) return [`channel ${name} is gone`];
    return now.address === channel.address
      ? []
      : [`channel ${name} was at ${channel.address} and is at ${now.address} now`];
  });
  const messages = Object.entries(last.components.messages).flatMap(([type, message]) => {
    const now = next.components.messages[type];
    return now === undefined ? [`${type} is gone`] : schemaChanges(message.payload, now.payload, type);
  });
  return [...channels, ...messages];
}

function schemaChanges(last: JsonSchema, next: JsonSchema, path: string): string[] {
  const keywords = new Set([...Object.keys(last), ...Object.keys(next)]);
  const changed = [...keywords]
    .filter((keyword) => !ANNOTATIONS.has(keyword) && !LOOKED_INTO.has(keyword))
    .filter((keyword) => !isDeepStrictEqual(last[keyword], next[keyword]))
    .map((keyword) => `${path}: ${keyword} was ${show(last[keyword])} and is ${show(next[keyword])} now`);
  return [
    ...changed,
    ...propertyChanges(last, next, path),
    ...partChanges(partsOf(last.items), partsOf(next.items), `${path}[]`),
    ...partChanges(last.anyOf ?? [], next.anyOf ?? [], `${path} (one of)`),
  ];
}

function propertyChanges(last: JsonSchema, next: JsonSchema, path: string): string[] {
  const before = last.properties ?? {};
  const now = next.properties ?? {};
  const mustBefore = new Set(last.required);
  const mustNow = new Set(next.required);
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((name) => {
    const at = `${path}.${name}`;
    if (!(name in now)) return [`${at} is gone`];
    if (!(name in before)) return mustNow.has(name) ? [`${at} is new and required: earlier events lack it`] : [];
    if (mustBefore.has(name) && !mustNow.has(name)) return [`${at} need not be sent any more: earlier readers want it`];
    if (!mustBefore.has(name) && mustNow.has(name)) return [`${at} is required now: earlier events may lack it`];
    return schemaChanges(toSchema(before[name]!), toSchema(now[name]!), at);
  });
}

function partChanges(last: readonly SchemaPart[], next: readonly SchemaPart[], path: string): string[] {
  if (last.length !== next.length) return [`${path}: ${last.length} parts before, ${next.length} now`];
  return last.flatMap((part, index) => schemaChanges(toSchema(part), toSchema(next[index]!), path));
}

type SchemaPart = JsonSchema | boolean;

function partsOf(items: SchemaPart | SchemaPart[] | undefined): readonly SchemaPart[] {
  if (items === undefined) return [];
  return Array.isArray(items) ? items : [items];
}

/** `true` allows everything, as an empty schema does; `false` nothing. */
function toSchema(part: SchemaPart): JsonSchema {
  if (typeof part !== 'boolean') return part;
  return part ? {} : { not: {} };
}

function show(value: unknown): string {
  return value === undefined ? 'not said' : JSON.stringify(value);
}
