import { problem } from '@holdfast/shared/contracts/common';
import { PROBLEMS, type ProblemCode } from '@holdfast/shared/problems';
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { openApiPath, pathParameters, type AnswerHeader, type ApiRoute } from './route.ts';

const requestId = z.string().meta({ description: 'Id of this request, also in the logs and in errors' });
const key = z.string().min(1).max(255);
const etag = z.string().meta({ description: 'ETag of the version that is changed, e.g. `"3"`' });
const CARRIED: Readonly<Record<AnswerHeader, z.ZodString>> = {
  ETag: z
    .string()
    .regex(/^"[^"]+"$/)
    .meta({ description: 'Version of what was read or changed, for If-Match and If-None-Match' }),
  Location: z
    .string()
    .regex(/^\/v1\/[^?#]+$/)
    .meta({ description: 'Path where what was made or begun can be read' }),
};

/** The OpenAPI 3.1 document of the routes, made from the schemas that check requests. */
export function createOpenApiDocument(routes: readonly ApiRoute[]) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) (paths[openApiPath(route.path)] ??= {})[route.method] = operationOf(route);
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: '1.0.0',
      description:
        'Hold a place, pay, and get a confirmed booking. Times are RFC 3339 UTC, money is in minor units, errors are RFC 9457 problems.',
    },
    servers: [{ url: '/' }],
    paths: paths as ZodOpenApiPathsObject,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'access_token of register or login',
        },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-access',
          description: 'set by register and login with `Prefer: session=cookie`; changes need `X-CSRF-Token` too',
        },
      },
    },
  });
}

function operationOf(route: ApiRoute): ZodOpenApiOperationObject {
  const names = pathParameters(route.path);
  const path = z.object(Object.fromEntries(names.map((name) => [name, z.string()] as const)));
  const header = z.object({
    ...(route.idempotency === 'required' ? { 'Idempotency-Key': key } : {}),
    ...(route.idempotency === 'honoured' ? { 'Idempotency-Key': key.optional() } : {}),
    ...(route.ifMatch ? { 'If-Match': etag } : {}),
  });
  const answers = Object.entries(route.answers).map(([status, answer]): [string, ZodOpenApiResponseObject] => [
    status,
    {
      description: answer.description,
      headers: z.object({
        'Request-Id': requestId,
        ...Object.fromEntries((answer.carries ?? []).map((name) => [name, CARRIED[name]])),
      }),
      ...(answer.schema ? { content: { 'application/json': { schema: answer.schema } } } : {}),
    },
  ]);
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.role ? { description: `Needs the role ${route.role}.` } : {}),
    ...(route.access === 'callback'
      ? {}
      : { security: [...(route.access === 'user' ? [] : [{}]), { bearer: [] }, { cookie: [] }] }),
    requestParams: {
      ...(names.length > 0 ? { path } : {}),
      ...(route.query ? { query: route.query } : {}),
      ...(route.idempotency || route.ifMatch ? { header } : {}),
    },
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: { [route.rawBody?.type ?? 'application/json']: { schema: route.body } },
          },
        }
      : {}),
    responses: Object.fromEntries([...answers, ...problemAnswers(route)]),
  };
}

/** The codes that every route of a kind may answer, beside its own. */
function problemCodesOf(route: ApiRoute): readonly ProblemCode[] {
  return [
    ...route.problems,
    ...(route.access === 'callback' ? [] : (['unauthenticated', 'origin_not_allowed'] as const)),
    ...(route.access === 'user' && route.method !== 'get' ? (['csrf_refused'] as const) : []),
    ...(route.idempotency === 'required' ? (['idempotency_key_missing'] as const) : []),
    ...(route.idempotency
      ? (['idempotency_key_invalid', 'idempotency_key_reused', 'idempotency_in_progress'] as const)
      : []),
    ...(route.ifMatch ? (['version_required', 'version_mismatch'] as const) : []),
    ...(route.body ? (['payload_too_large', 'unsupported_media_type'] as const) : []),
    ...(route.body && !route.rawBody ? (['malformed_json'] as const) : []),
    ...((route.body && route.access !== 'callback') || route.query ? (['validation_failed'] as const) : []),
    'malformed_request',
    'misdirected_request',
    'rate_limited',
    ...(route.tag === 'Operations' ? [] : (['internal_error', 'dependency_unavailable'] as const)),
  ];
}

function problemAnswers(route: ApiRoute): [string, ZodOpenApiResponseObject][] {
  const codesByStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(problemCodesOf(route))) {
    const status = PROBLEMS[code].status;
    codesByStatus.set(status, [...(codesByStatus.get(status) ?? []), code]);
  }
  return [...codesByStatus].map(([status, codes]) => [
    String(status),
    {
      description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('\n\n'),
      content: { 'application/problem+json': { schema: problem } },
    },
  ]);
}
