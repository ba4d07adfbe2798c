import { createHmac, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Contract, CheckedAnswer, Operation } from './contract.ts';
import { arbitraryOf, odd, spoilt, type Knowledge } from './schema-arbitrary.ts';

/** Somebody who calls: `token` null for anybody. Customers' things are theirs alone. */
export interface Actor {
  readonly name: string;
  readonly role: 'customer' | 'operator' | 'admin' | 'anybody';
  token: string | null;
}

/** A request that may be sent as it is. */
export interface DrivenRequest {
  readonly operation: Operation;
  readonly actor: Actor;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface DrivenAnswer extends CheckedAnswer {
  readonly json: unknown;
  /** What was wrong with the answer, in words. */
  readonly violations: readonly string[];
}

const ID = /^([a-z]{3})_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const IDS_IN_TEXT = /"([a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25})"/g;
/** Kinds that belong to one customer. */
export const PRIVATE_KINDS = ['bkg', 'pay', 'rfd', 'ser', 'wtl', 'tkt', 'ses', 'usr'] as const;
const PATIENCE_MS = 15_000;

/** What was seen of the system so far. */
export class SeenWorld implements Knowledge {
  readonly #idsByPrefix = new Map<string, Set<string>>();
  readonly #idsByCollection = new Map<string, Set<string>>();
  readonly #etags = new Map<string, string>();
  readonly #staff = new Set<string>();
  readonly #ownerOf = new Map<string, string>();
  readonly #hints: Readonly<Record<string, readonly unknown[]>>;

  constructor(hints: Readonly<Record<string, readonly unknown[]>>) {
    this.#hints = hints;
  }

  ids(prefix: string): readonly string[] {
    return [...(this.#idsByPrefix.get(prefix) ?? [])].slice(-40);
  }

  hints(name: string): readonly unknown[] {
    return this.#hints[name] ?? [];
  }

  /** Ids of a collection, e.g. `/v1/bookings`. */
  idsOf(collection: string): readonly string[] {
    return [...(this.#idsByCollection.get(collection) ?? [])].slice(-40);
  }

  etagOf(id: string): string | undefined {
    return this.#etags.get(id);
  }

  /** Somebody whose id any customer may see: a history names the operator who acted. */
  isStaff(id: string): void {
    this.#staff.add(id);
  }

  /** Things of a kind that this customer was the first to see. */
  ownedBy(actor: Actor, prefix: string): readonly string[] {
    return this.ids(prefix).filter((id) => this.#ownerOf.get(id) === actor.name);
  }

  /**
   * Takes in a 2xx. Gives the private ids in it that another customer saw first: a customer is the first to see what it makes, so such an
   * id has leaked.
   */
  learn(request: DrivenRequest, answer: CheckedAnswer, json: unknown): string[] {
    const leaked: string[] = [];
    for (const [, id] of answer.text.matchAll(IDS_IN_TEXT)) {
      const prefix = ID.exec(id!)![1]!;
      add(this.#idsByPrefix, prefix, id!);
      if (request.actor.role !== 'customer' || !(PRIVATE_KINDS as readonly string[]).includes(prefix)) continue;
      if (this.#staff.has(id!)) continue;
      const owner = this.#ownerOf.get(id!);
      if (owner === undefined) this.#ownerOf.set(id!, request.actor.name);
      else if (owner !== request.actor.name) leaked.push(`${request.actor.name} sees ${id} of ${owner}`);
    }
    const collection = collectionOf(request.operation.path);
    for (const id of ownIds(json)) {
      add(this.#idsByCollection, collection, id);
      const etag = answer.headers.get('etag');
      if (etag !== null) this.#etags.set(id, etag);
    }
    return leaked;
  }
}

/** The static beginning of a path: `/v1/bookings` of `/v1/bookings/{id}/pay`. */
export function collectionOf(path: string): string {
  return path.split('/{')[0]!;
}

function ownIds(json: unknown): string[] {
  if (typeof json !== 'object' || json === null) return [];
  const { id, data } = json as { id?: unknown; data?: unknown };
  const many = Array.isArray(data) ? data.map((item: { id?: unknown } | null) => item?.id) : [];
  return [id, ...many].filter((value): value is string => typeof value === 'string');
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key) ?? new Set();
  map.set(key, set.add(value));
}

export interface DriverOptions {
  readonly contract: Contract;
  readonly url: string;
  readonly world: SeenWorld;
  /** Signs what the provider sends. */
  readonly webhookSecret: string;
}

/** Makes requests of operations, sends them, and holds the answers against the document. */
export class ApiDriver {
  readonly #options: DriverOptions;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** A request as the document describes it, or one that is wrong in one place. */
  requestOf(operation: Operation, actor: Actor, how: 'valid' | 'spoilt'): fc.Arbitrary<DrivenRequest> {
    const { contract, world } = this.#options;
    const body =
      operation.body === null
        ? fc.constant(null)
        : operation.body.type !== 'application/json'
          ? fc.constantFrom(...world.hints(operation.body.type), 'x')
          : arbitraryOf(contract, operation.body.schema, world).chain((value) =>
              how === 'valid' ? fc.constant(value) : fc.oneof(fc.constant(value), spoilt(value)),
            );
    const query = fc.tuple(
      ...operation.parameters
        .filter((parameter) => parameter.in === 'query')
        .map((parameter) =>
          fc.tuple(
            fc.constant(parameter.name),
            fc.oneof(
              ...(parameter.required ? [] : [fc.constant(undefined)]),
              arbitraryOf(contract, parameter.schema, world, parameter.name),
              ...(how === 'spoilt' ? [odd] : []),
            ),
          ),
        ),
    );
    const path = this.#pathOf(operation, how);
    const key = fc.uuid();
    return fc.tuple(path, query, body, key, fc.integer({ min: 0, max: 19 })).map(([at, pairs, value, uuid, twist]) => {
      const search = new URLSearchParams(
        pairs.flatMap(([name, given]) => (given === undefined ? [] : [[name, asText(given)] as [string, string]])),
      );
      const text = value === null ? null : typeof value === 'string' ? value : JSON.stringify(value);
      const headers = this.#headersOf(operation, actor, at, text, uuid);
      const request = {
        operation,
        actor,
        path: search.size === 0 ? at : `${at}?${search.toString()}`,
        headers,
        body: text,
      };
      return how === 'spoilt' ? twisted(request, twist) : request;
    });
  }

  #pathOf(operation: Operation, how: 'valid' | 'spoilt'): fc.Arbitrary<string> {
    const { world } = this.#options;
    const names = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
    const known = world.idsOf(collectionOf(operation.path));
    const parts = names.map((name) => {
      const hints = world.hints(name).map(String);
      const values = hints.length > 0 ? hints : known;
      const weird = fc.constantFrom(
        '0',
        '-1',
        '1e3',
        '%00',
        '..%2f',
        'x'.repeat(70),
        'bkg_01K9',
        '9223372036854775808',
      );
      if (values.length === 0) return weird;
      return how === 'valid'
        ? fc.constantFrom(...values)
        : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: weird });
    });
    return fc
      .tuple(...parts)
      .map((values) => values.reduce((path, value, index) => path.replace(`{${names[index]}}`, value), operation.path));
  }

  #headersOf(
    operation: Operation,
    actor: Actor,
    path: string,
    body: string | null,
    key: string,
  ): Record<string, string> {
    const id = path.split('/').find((part) => ID.test(part));
    const named = (name: string) =>
      operation.parameters.some((parameter) => parameter.in === 'header' && parameter.name === name);
    return {
      ...(actor.token === null ? {} : { authorization: `Bearer ${actor.token}` }),
      ...(body === null ? {} : { 'content-type': operation.body?.type ?? 'application/json' }),
      ...(named('Idempotency-Key') ? { 'idempotency-key': key } : {}),
      ...(named('If-Match') ? { 'if-match': (id && this.#options.world.etagOf(id)) ?? '"1"' } : {}),
      ...(operation.access === 'callback' && body !== null ? { 'stripe-signature': this.sign(body) } : {}),
    };
  }

  /** The signature header of a callback of the provider. */
  sign(body: string): string {
    const t = Math.floor(Date.now() / 1000);
    return `t=${t},v1=${createHmac('sha256', this.#options.webhookSecret).update(`${t}.${body}`).digest('hex')}`;
  }

  /** A request put together by hand; what is not given is left out. */
  compose(
    id: string,
    actor: Actor,
    parts: {
      at?: Readonly<Record<string, string>>;
      query?: string;
      body?: unknown;
      headers?: Readonly<Record<string, string>>;
    } = {},
  ): DrivenRequest {
    const operation = this.#options.contract.operation(id);
    let path = operation.path;
    for (const [name, value] of Object.entries(parts.at ?? {})) path = path.replace(`{${name}}`, value);
    const body =
      parts.body === undefined ? null : typeof parts.body === 'string' ? parts.body : JSON.stringify(parts.body);
    const headers = { ...this.#headersOf(operation, actor, path, body, randomUUID()), ...parts.headers };
    return { operation, actor, path: parts.query === undefined ? path : `${path}?${parts.query}`, headers, body };
  }

  /** Sends a request and looks at the answer. Never throws for a status. */
  async send(request: DrivenRequest): Promise<DrivenAnswer> {
    const { contract, url, world } = this.#options;
    const response = await fetch(`${url}${request.path}`, {
      method: request.operation.method,
      headers: request.headers,
      ...(request.body === null ? {} : { body: request.body }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    const { status, headers } = response;
    const answer = { status, headers, text };
    const json: unknown = /json/.test(headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : undefined;
    const violations = [
      ...contract.violations(request.operation, answer),
      ...(status >= 500 ? [`answered ${status}: ${text.slice(0, 300)}`] : []),
      ...(status < 300 ? world.learn(request, answer, json) : []),
    ];
    return { ...answer, json, violations };
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** One thing about the transport that is wrong; most requests keep theirs. */
function twisted(request: DrivenRequest, twist: number): DrivenRequest {
  const { authorization, ...others } = request.headers;
  switch (twist) {
    case 0:
      return { ...request, headers: others };
    case 1:
      return { ...request, headers: { ...request.headers, authorization: `${authorization ?? 'Bearer x'}x` } };
    case 2:
      return request.body === null
        ? request
        : { ...request, headers: { ...request.headers, 'content-type': 'text/plain' } };
    case 3:
      return request.body === null ? request : { ...request, body: request.body.slice(0, -1) };
    case 4:
      return { ...request, headers: { ...request.headers, 'idempotency-key': '' } };
    case 5:
      return { ...request, path: `${request.path}${request.path.includes('?') ? '&' : '?'}limit=1&limit=2` };
    case 6:
      return request.operation.parameters.some(({ name }) => name === 'If-Match')
        ? { ...request, headers: { ...request.headers, 'if-match': '"999999"' } }
        : request;
    default:
      return request;
  }
}
