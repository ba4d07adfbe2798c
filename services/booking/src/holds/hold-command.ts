import { holdFormOf } from '@holdfast/shared/contracts/bookings';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { Customer } from '@holdfast/shared/http/internal-assertion';
import { Problem } from '@holdfast/shared/problems';
import { parseBody } from '@holdfast/shared/http/validation';
import { fingerprint, requireIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import type { UserId } from '@holdfast/shared/ids';
import type { HoldPricing } from '../quotes/quote-rules.ts';
import type { HoldRequest } from './hold-request.ts';

export interface HoldCommand {
  readonly caller: SignedInCaller;
  readonly key: string;
  readonly fingerprint: string;
  readonly request: HoldRequest;
  /** Whose booking it becomes, when that is not the caller's. */
  readonly customer?: Customer;
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
  const customer = customerOf(caller, parsed.customer_id);
  return {
    caller,
    key,
    fingerprint: fingerprint('POST', '/v1/bookings', parsed),
    request: toRequest(parsed),
    ...(customer ? { customer } : {}),
  };
}

/**
 * The customer that an operator named. The gateway has looked the account up and vouches for its contact; a name without that word is
 * nobody's. @throws Problem `forbidden` or `validation_failed`.
 */
function customerOf(caller: SignedInCaller, customerId: UserId | undefined): Customer | null {
  if (customerId === undefined) return null;
  if (caller.role === 'customer') throw new Problem('forbidden', { detail: 'only operators act for a customer' });
  if (caller.customer?.userId === customerId) return caller.customer;
  throw new Problem('validation_failed', {
    errors: [{ pointer: '/customer_id', code: 'unknown_customer', message: 'there is no such user' }],
  });
}

/** Whose limits count, and whose booking it is. */
export function holderOf({ caller, customer }: HoldCommand): UserId {
  return customer?.userId ?? caller.userId;
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
