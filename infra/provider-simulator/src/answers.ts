import type { ErrorBody, PaymentIntent } from './objects.ts';

export interface Answer {
  readonly status: number;
  readonly body: object;
}

export function refuse(status: number, error: ErrorBody): Answer {
  return { status, body: { error } };
}

/** 404 for an id in the path, 400 for one in the parameters, as Stripe does. */
export function noSuch(what: string, id: string, param: string, status: 400 | 404 = 404): Answer {
  return refuse(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id}'`,
    param,
  });
}

export function unexpectedState(intent: PaymentIntent, verb: string, allowed: string): Answer {
  return refuse(400, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `This PaymentIntent could not be ${verb} because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be ${verb}: ${allowed}.`,
    payment_intent: intent,
  });
}

export function invalid(message: string, more: { param?: string; code?: string } = {}): Answer {
  return refuse(400, { type: 'invalid_request_error', message, ...more });
}
