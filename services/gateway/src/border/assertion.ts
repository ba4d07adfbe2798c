import type { IncomingMessage } from 'node:http';
import { signAssertion, type Caller, type Customer } from '@holdfast/shared/http/internal-assertion';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import { traceparentFrom } from '@holdfast/shared/telemetry/traceparent';
import type { SignedIn } from '../identity/user.ts';
import { requestIdOf } from './request-context.ts';

export type AssertCaller = (
  req: IncomingMessage,
  signedIn: SignedIn | null,
  /** For whom an operator acts. */
  customer?: Customer,
) => { assertion: string; caller: Caller };

/** Makes the function that vouches to a service for the sender of a request. */
export function assertionMaker(secrets: Secrets, addressOf: (req: IncomingMessage) => string): AssertCaller {
  return (req, signedIn, customer) => {
    const traceparent = req.headers['traceparent'];
    const caller: Caller = {
      userId: signedIn?.user.id ?? null,
      role: signedIn?.user.role ?? null,
      email: signedIn?.user.email ?? null,
      name: signedIn?.user.name ?? null,
      address: addressOf(req),
      requestId: requestIdOf(req),
      traceparent: traceparentFrom(typeof traceparent === 'string' ? traceparent : undefined),
      ...(customer ? { customer } : {}),
    };
    return { assertion: signAssertion(secrets, caller), caller };
  };
}
