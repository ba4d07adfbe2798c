import type { ProblemCode } from '@holdfast/shared/problems';
import type { z } from 'zod';

export type Method = 'get' | 'post' | 'patch' | 'delete';

/** An answer of a route that is no refusal. */
export interface RouteAnswer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Headers that this answer always has beside those of every answer; what is not named here is not sent. */
  readonly carries?: readonly AnswerHeader[];
}

export type AnswerHeader = 'ETag' | 'Location';

/**
 * One route of the public API. This table is the whole of it: the proxy forwards what stands here and nothing else, and the
 * OpenAPI document is made of the same entries, so neither can know a route that the other does not.
 */
export interface ApiRoute {
  readonly method: Method;
  /** As Express writes it: `/v1/bookings/:id`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  /** Who carries it out. `gateway` routes are mounted by their own features. */
  readonly target: 'gateway' | 'booking' | 'payment' | 'notification';
  /**
   * `public`: the token is looked at when there is one. `user`: signed in. `callback`: the provider signs, a token means nothing.
   * Roles are checked by the service that carries the call out; `role` is for readers.
   */
  readonly access: 'public' | 'user' | 'callback';
  readonly role?: 'operator' | 'admin';
  /** `required` calls answer 400 without a key; `honoured` ones take it. */
  readonly idempotency?: 'required' | 'honoured';
  /** Whether the call needs the ETag of the version that it changes: 428 without, 412 when that is no longer the present one. */
  readonly ifMatch?: boolean;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** A body that is no JSON: it goes to the service byte for byte, up to the limit. */
  readonly rawBody?: { readonly type: string; readonly limitBytes: number };
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  readonly problems: readonly ProblemCode[];
  /** Under which limits the call falls, where `access` does not tell: what a purchase needs, or what monitoring asks. */
  readonly lane?: 'checkout' | 'health';
  /** How long the service may take; 2.5 s unless told. */
  readonly timeLimitMs?: number;
}

/** The names in a path, e.g. `id` of `/v1/bookings/:id`. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/:([a-z_]+)/g)].map((match) => match[1]!);
}

/** `/v1/bookings/{id}` */
export function openApiPath(path: string): string {
  return path.replaceAll(/:([a-z_]+)/g, '{$1}');
}
