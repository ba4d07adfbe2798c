import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** The little of JSON Schema that is looked at here; checking answers is left to a validator. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly pattern?: string;
  readonly format?: string;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
}

export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `/v1/bookings/{id}` */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly type: string; readonly schema: Schema } | null;
  /** Whether it is for users who are signed in, whether others may call it as well, or whether the sender signs. */
  readonly access: 'public' | 'user' | 'callback';
  readonly role: 'operator' | 'admin' | null;
  readonly statuses: readonly number[];
}

export interface CheckedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

interface DocumentAnswer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly schema: Schema }>>;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface DocumentOperation {
  operationId: string;
  description?: string;
  parameters?: Parameter[];
  security?: object[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, DocumentAnswer>;
}

interface Document {
  paths: Record<string, Record<string, DocumentOperation>>;
}

/** Headers that a client acts upon: they are sent where the document says so, and nowhere else. */
const TOLD = ['ETag', 'Location'];

/** The OpenAPI document of a running gateway, as a judge of its answers. */
export class Contract {
  readonly operations: readonly Operation[];
  readonly #document: Document;
  readonly #ajv: Ajv2020;
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: unknown) {
    this.#document = document as Document;
    // Patterns say all that formats would.
    this.#ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false });
    this.#ajv.addSchema(document as object, 'openapi.json');
    this.operations = Object.entries(this.#document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => toOperation(path, method, operation)),
    );
  }

  static async read(gatewayUrl: string): Promise<Contract> {
    const response = await fetch(`${gatewayUrl}/openapi.json`);
    return new Contract(await response.json());
  }

  operation(id: string): Operation {
    const found = this.operations.find((operation) => operation.id === id);
    if (!found) throw new Error(`the document has no operation ${id}`);
    return found;
  }

  resolve(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const parts = schema.$ref.split('/').slice(1);
    return this.resolve(
      parts.reduce((node, part) => (node as Record<string, unknown>)[part], this.#document as unknown) as Schema,
    );
  }

  /** What an answer says that the document does not allow, in words; an empty list is a kept contract. */
  violations(operation: Operation, answer: CheckedAnswer): string[] {
    const documented = this.#document.paths[operation.path]![operation.method.toLowerCase()]!.responses[answer.status];
    const broken: string[] = [];
    const requestId = answer.headers.get('request-id');
    if (!/^req_[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(requestId ?? '')) broken.push(`Request-Id is ${requestId}`);
    if (answer.headers.get('x-content-type-options') !== 'nosniff') broken.push('X-Content-Type-Options is missing');
    if (answer.headers.has('x-powered-by')) broken.push('X-Powered-By tells what runs here');
    if (!documented) return [...broken, `status ${answer.status} is not documented: ${answer.text.slice(0, 300)}`];

    broken.push(...this.#headerViolations(documented, answer));

    const type = (answer.headers.get('content-type') ?? '').split(';')[0]!;
    const types = Object.keys(documented.content ?? {});
    if (types.length === 0) return answer.text === '' ? broken : [...broken, `a ${answer.status} has a body`];
    if (!types.includes(type)) return [...broken, `Content-Type is ${type} instead of ${types.join(' or ')}`];
    const validate = this.#validator(operation, answer.status, type);
    const body: unknown = JSON.parse(answer.text);
    if (!validate(body)) {
      const [error] = validate.errors ?? [];
      broken.push(
        `the body breaks its schema at ${error?.instancePath || '/'}: ${error?.message} ${JSON.stringify(error?.params)}`,
      );
    }
    if (type === 'application/problem+json') broken.push(...problemViolations(body, documented.description, answer));
    return broken;
  }

  #headerViolations(documented: DocumentAnswer, answer: CheckedAnswer): string[] {
    const declared = documented.headers ?? {};
    const broken = TOLD.filter((name) => answer.headers.has(name) && !(name in declared)).map(
      (name) => `${name} is sent with a ${answer.status} and not documented`,
    );
    for (const [name, { required, schema }] of Object.entries(declared)) {
      const value = answer.headers.get(name);
      if (value === null) {
        if (required) broken.push(`${name} is missing in a ${answer.status}`);
        continue;
      }
      const { pattern } = this.resolve(schema);
      if (pattern !== undefined && !new RegExp(pattern).test(value)) broken.push(`${name} is ${value}`);
      if (name === 'Location' && !this.#canBeRead(value)) broken.push(`nothing can be read at Location ${value}`);
    }
    return broken;
  }

  #canBeRead(location: string): boolean {
    return this.operations.some(
      ({ method, path }) => method === 'GET' && new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(location),
    );
  }

  #validator(operation: Operation, status: number, type: string): ValidateFunction {
    const escape = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1');
    const pointer = [
      'paths',
      operation.path,
      operation.method.toLowerCase(),
      'responses',
      String(status),
      'content',
      type,
      'schema',
    ];
    const ref = `openapi.json#/${pointer.map((part) => encodeURIComponent(escape(part))).join('/')}`;
    let validator = this.#validators.get(ref);
    if (!validator) this.#validators.set(ref, (validator = this.#ajv.compile({ $ref: ref })));
    return validator;
  }
}

function problemViolations(body: unknown, description: string, answer: CheckedAnswer): string[] {
  const { code, status, type, request_id: requestId } = body as Record<string, unknown>;
  return [
    ...(description.includes(`\`${String(code)}\``)
      ? []
      : [`code ${String(code)} is not documented for ${answer.status}`]),
    ...(status === answer.status ? [] : [`the problem says status ${String(status)}`]),
    ...(type === `/problems/${String(code)}` ? [] : [`the problem says type ${String(type)}`]),
    ...(requestId === answer.headers.get('request-id') ? [] : ['request_id is not Request-Id']),
    ...(answer.status !== 401 || answer.headers.has('www-authenticate') ? [] : ['a 401 without WWW-Authenticate']),
    ...(![429, 503].includes(answer.status) || /^\d+$/.test(answer.headers.get('retry-after') ?? '')
      ? []
      : [`a ${answer.status} without Retry-After`]),
    ...(answer.status !== 405 || answer.headers.has('allow') ? [] : ['a 405 without Allow']),
  ];
}

function toOperation(path: string, method: string, operation: DocumentOperation): Operation {
  const [body] = Object.entries(operation.requestBody?.content ?? {});
  const role = /^Needs the role (operator|admin)\./.exec(operation.description ?? '')?.[1] ?? null;
  return {
    id: operation.operationId,
    method: method.toUpperCase() as Operation['method'],
    path,
    parameters: operation.parameters ?? [],
    body: body ? { type: body[0], schema: body[1].schema } : null,
    access:
      operation.security === undefined
        ? 'callback'
        : operation.security.some((choice) => Object.keys(choice).length === 0)
          ? 'public'
          : 'user',
    role: role as Operation['role'],
    statuses: Object.keys(operation.responses).map(Number),
  };
}
