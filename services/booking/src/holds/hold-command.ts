import { holdFormOf } from '@holdfast/shared/contracts/bookings';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import { fingerprint, requireIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import type { HoldPricing } from '../quotes/quote-rules.ts';
import type { HoldRequest } from './hold-request.ts';

export interface HoldCommand {
  readonly caller: SignedInCaller;
  readonly key: string;
  readonly fingerprint: string;
  readonly request: HoldRequest;
  /** What the quoter said, once it was asked; see place-hold.ts. */
  readonly pricing?: HoldPricing;
}

/**
 * Reads POST /v1/bookings. @throws Problem for a missing key and for a body of none of the three forms; nothing has happened then,
 * so the key stays free.
 */
export function readHoldCommand(caller: SignedInCaller, keyHeader: string | null, body: unknown): HoldCommand {
  const key = requireIdempotencyKey(keyHeader);
  const parsed = parseBody(holdFormOf(body), body);
  return { caller, key, fingerprint: fingerprint('POST', '/v1/bookings', parsed), request: toRequest(parsed) };
}

function toRequest(body: ReturnType<ReturnType<typeof holdFormOf>['parse']>): HoldRequest {
  if ('resource_id' in body) {
    return {
      kind: 'slot',
      resourceId: body.resource_id,
      startsAt: new Date(body.starts_at),
      endsAt: new Date(body.ends_at),
    };
  }
  if ('seats' in body) return { kind: 'seats', eventId: body.event_id, seats: body.seats };
  return { kind: 'quantity', eventId: body.event_id, quantity: body.quantity, category: body.category ?? null };
}
