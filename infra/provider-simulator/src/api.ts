import { createHash, timingSafeEqual } from 'node:crypto';
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import type { z } from 'zod';
import { invalid, refuse, type Answer } from './answers.ts';
import { Draft } from './draft.ts';
import { parseForm } from './form-body.ts';
import { newId } from './ids.ts';
import { intentOperations } from './intent-operations.ts';
import type { Operation } from './operation.ts';
import { readOperations } from './read-operations.ts';
import type { CallName, Rules } from './rules.ts';
import { refundOperations } from './refund-operations.ts';
import { pause, type Scheduler } from './scheduler.ts';
import type { World } from './world.ts';

/** The version that the `stripe` package of this repository pins; answers for callers that name none. */
export const API_VERSION = '2026-10-28.endive';
/** Stripe forgets idempotency keys after this time; so do we, or a client that relies on more would go unnoticed. */
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;

/**
 * The official Node package sends a request again, once and with the same key, when its connection was closed, even where
 * retries are turned off. A single dropped answer would therefore never reach the program that is to be tested: the
 * package's own retry is dropped as well.
 */
const RETRIES_BY_ITSELF = /^Stripe\/v1 NodeBindings\//;

interface KeyTracking {
  /** Keys of calls that are being carried out. */
  readonly inUse: Set<string>;
  /** Keys whose next replay is dropped. In memory only: after a restart the answer simply comes. */
  readonly dropRetry: Set<string>;
}

export interface ApiDependencies {
  readonly world: World;
  readonly rules: Rules;
  readonly scheduler: Scheduler;
  readonly api_key: string;
  readonly latency_ms: number;
  readonly base_url: () => string;
  /** Commits a draft; resolves when everything committed so far is on disk. */
  readonly commit: (draft: Draft) => void;
  readonly durable: () => Promise<void>;
}

/** The routes under /v1. */
export function stripeApi(deps: ApiDependencies): Router {
  const router = express.Router();
  router.use((request, response, next) => {
    response.set('Request-Id', newId('req')).set('Stripe-Version', versionOf(request));
    const problem = authenticate(request, deps.api_key);
    if (problem) send(response, problem);
    else next();
  });
  router.use(express.text({ type: 'application/x-www-form-urlencoded', limit: '64kb' }));
  const keys: KeyTracking = { inUse: new Set(), dropRetry: new Set() };
  for (const operation of [...readOperations, ...refundOperations, ...intentOperations]) {
    router[operation.method](operation.path, (request: Request, response: Response) =>
      handle(deps, keys, operation, request, response),
    );
  }
  router.use((request, response) => {
    send(
      response,
      refuse(404, {
        type: 'invalid_request_error',
        message: `Unrecognized request URL (${request.method}: ${request.originalUrl.split('?')[0]}).`,
      }),
    );
  });
  // Four parameters make it an error handler; malformed or oversized bodies end here.
  router.use((error: Error & { status?: number }, _request: Request, response: Response, next: NextFunction) => {
    if (error.status === undefined || error.status >= 500) return next(error);
    send(response, refuse(error.status, { type: 'invalid_request_error', message: error.message }));
  });
  return router;
}

async function handle(
  deps: ApiDependencies,
  keys: KeyTracking,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  const { world, scheduler } = deps;
  await pause(scheduler, deps.latency_ms);
  const encoded = operation.method === 'get' ? (request.originalUrl.split('?')[1] ?? '') : bodyText(request);
  const params = encoded === undefined ? undefined : parseForm(encoded);
  if (!params) return send(response, invalid('The parameters are not form-encoded.'));

  const key = operation.method === 'post' ? request.get('Idempotency-Key') : undefined;
  if (key !== undefined && (key === '' || key.length > 255)) {
    return send(response, invalid('The Idempotency-Key must have between 1 and 255 characters.'));
  }
  const fingerprint = createHash('sha256').update(`${request.method} ${request.path}\n${encoded}`).digest('base64');
  if (key !== undefined) {
    if (keys.inUse.has(key)) return send(response, keyInUse(key));
    const stored = world.answers.get(key);
    if (stored && scheduler.now() - stored.at < KEY_LIFETIME_MS) {
      if (stored.fingerprint !== fingerprint) return send(response, keyMisused(key));
      if (keys.dropRetry.delete(key)) {
        request.socket.destroy();
        return;
      }
      response.set('Idempotent-Replayed', 'true').set('Original-Request', stored.request_id);
      response.status(stored.status).type('application/json').send(stored.body);
      return;
    }
  }

  // What fails validation never began, so its key stays free, as with Stripe.
  const parsed = operation.params.safeParse(params);
  if (!parsed.success) return send(response, invalidParameter(parsed.error));

  if (key !== undefined) keys.inUse.add(key);
  try {
    const id = typeof request.params['id'] === 'string' ? request.params['id'] : '';
    const rule = deps.rules.forCall(callName(operation), subjectOf(world, id, parsed.data));
    if (rule?.act === 'refuse') {
      // Nothing is carried out and nothing is stored: the same key may be used again.
      if (rule.retry_after !== undefined) response.set('Retry-After', String(rule.retry_after));
      return send(response, rule.status === 429 ? throttled() : { ...internalError(), status: rule.status });
    }
    const given_params =
      rule?.act === 'as' ? { ...(parsed.data as object), payment_method: rule.payment_method } : parsed.data;
    const subject = { world, params: given_params, id };
    await pause(scheduler, (operation.wait_ms?.(subject) ?? 0) + (rule?.act === 'slow' ? rule.ms : 0));

    const request_id = response.get('Request-Id') ?? null;
    const draft = new Draft({
      now_ms: scheduler.now(),
      api_version: versionOf(request),
      request_id,
      idempotency_key: key ?? null,
    });
    const answer = operation.execute({ ...subject, draft, base_url: deps.base_url() });
    if (rule?.act === 'lose_answer') draft.lost_answer = rule.how;
    const given = draft.lost_answer === '500' ? internalError() : answer;
    if (key !== undefined) {
      const body = JSON.stringify(given.body);
      const at = scheduler.now();
      draft.change.answer = { key, fingerprint, status: given.status, body, request_id: request_id ?? '', at };
    }
    deps.commit(draft);
    // Reads wait as well: what they show may have been written by a request that is not on disk yet.
    await deps.durable();
    if (draft.lost_answer === 'dropped') {
      if (key !== undefined && RETRIES_BY_ITSELF.test(request.get('User-Agent') ?? '')) keys.dropRetry.add(key);
      request.socket.destroy();
    } else {
      send(response, given);
    }
  } finally {
    if (key !== undefined) keys.inUse.delete(key);
  }
}

const CALL_NAMES: Record<string, CallName> = {
  'post /payment_intents': 'create',
  'post /payment_intents/:id/confirm': 'confirm',
  'post /payment_intents/:id/capture': 'capture',
  'post /payment_intents/:id/cancel': 'cancel',
  'post /refunds': 'refund',
};

function callName({ method, path }: Operation): CallName {
  return CALL_NAMES[`${method} ${path}`] ?? 'read';
}

/** Which intent and booking a call is about, by its path or by what it brings along. */
function subjectOf(
  world: World,
  id: string,
  params: unknown,
): { booking_id: string | null; payment_intent: string | null } {
  const { payment_intent, metadata } = params as { payment_intent?: unknown; metadata?: Record<string, string> };
  const intent = world.intents.get(id === '' && typeof payment_intent === 'string' ? payment_intent : id);
  return {
    payment_intent: intent?.id ?? null,
    booking_id: intent?.metadata['booking_id'] ?? metadata?.['booking_id'] ?? null,
  };
}

function throttled(): Answer {
  return refuse(429, {
    type: 'invalid_request_error',
    code: 'rate_limit',
    message: 'Too many requests hit the API too quickly.',
  });
}

function send(response: Response, answer: Answer): void {
  response.status(answer.status).json(answer.body);
}

/** Returns undefined for a body of another type; no body at all is an empty one. */
function bodyText(request: Request): string | undefined {
  if (typeof request.body === 'string') return request.body;
  return Number(request.get('content-length') ?? 0) === 0 && !request.get('transfer-encoding') ? '' : undefined;
}

function versionOf(request: Request): string {
  const version = request.get('Stripe-Version') ?? '';
  return /^[\w.-]{1,40}$/.test(version) ? version : API_VERSION;
}

function authenticate(request: Request, api_key: string): Answer | undefined {
  const given = /^Bearer (\S+)$/.exec(request.get('Authorization') ?? '')?.[1];
  if (given === undefined) {
    return refuse(401, {
      type: 'invalid_request_error',
      message: "You did not provide an API key. Provide it in the Authorization header: 'Authorization: Bearer sk_…'.",
    });
  }
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (timingSafeEqual(digest(given), digest(api_key))) return undefined;
  return refuse(401, { type: 'invalid_request_error', message: 'Invalid API Key provided.' });
}

function invalidParameter(error: z.ZodError): Answer {
  const issue = error.issues[0];
  const [first, ...inner] = issue?.path ?? [];
  const prefix = first === undefined ? '' : `${String(first)}${inner.map((part) => `[${String(part)}]`).join('')}`;
  if (issue?.code === 'unrecognized_keys') {
    const name = issue.keys[0] ?? '';
    const param = prefix === '' ? name : `${prefix}[${name}]`;
    return invalid(`Received unknown parameter, or one that the simulator does not support: ${param}`, {
      code: 'parameter_unknown',
      param,
    });
  }
  const missing = issue?.code === 'invalid_type' && issue.message.includes('received undefined');
  if (missing) return invalid(`Missing required param: ${prefix}.`, { code: 'parameter_missing', param: prefix });
  return invalid(`Invalid ${prefix}: ${issue?.message ?? 'invalid value'}`, { param: prefix });
}

function keyMisused(key: string): Answer {
  return refuse(400, {
    type: 'idempotency_error',
    message: `Keys for idempotent requests can only be used with the same endpoint and parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
  });
}

function keyInUse(key: string): Answer {
  return refuse(409, {
    type: 'invalid_request_error',
    code: 'idempotency_key_in_use',
    message: `There is currently another in-progress request using the idempotency key '${key}'. Please try again later.`,
  });
}

function internalError(): Answer {
  return refuse(500, { type: 'api_error', message: 'An unknown error occurred.' });
}
