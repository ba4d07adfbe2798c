import type { Customer } from '@holdfast/shared/http/internal-assertion';
import { Problem } from '@holdfast/shared/problems';
import type { Express, Request, Response } from 'express';
import type { AssertCaller } from '../border/assertion.ts';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import { readJson } from '../border/read-body.ts';
import { answerBy } from '../border/request-context.ts';
import type { User } from '../identity/user.ts';
import type { RequestLimits } from '../rate-limit/request-limits.ts';
import type { HoldCommand, HoldFailure, HoldGatherer } from './gather-holds.ts';

/** Booking's answer to a hold that must be sent by itself. */
const APART = 307;

/** A hold that has arrived is answered within this time, one way or the other (G10 says 3 s). */
const HOLD_DEADLINE_MS = 2_800;

const DETAIL: Record<HoldFailure, string> = {
  queue_full: 'too many bookings wait, try again shortly',
  deadline: 'booking did not answer in time; repeat the request with the same Idempotency-Key',
  unavailable: 'booking does not answer; repeat the request with the same Idempotency-Key',
};

/** POST /v1/bookings, the hot path: no schema is checked and nothing is logged here beyond what every request costs. */
export function mountHolds(
  app: Express,
  deps: {
    authenticator: Authenticator;
    assertCaller: AssertCaller;
    gatherer: HoldGatherer;
    /** For holds that wait for another service: each is a call of its own, so that the others do not wait with it. */
    apart: HoldGatherer;
    limits: RequestLimits;
    /** The customer of whom an operator's body speaks. @throws Problem for whoever may not, and for nobody. */
    customerFor: (actor: User, customerId: unknown) => Promise<Customer>;
  },
): void {
  app.post('/v1/bookings', async (req: Request, res: Response) => {
    const authenticated = deps.authenticator.authenticate(req);
    const signedIn = requireSignedIn(authenticated instanceof Promise ? await authenticated : authenticated);
    const admitted = deps.limits.admit('checkout', req, res, signedIn);
    if (admitted) await admitted;
    const body = await readJson(req);
    const customer =
      body && 'customer_id' in body.value ? await deps.customerFor(signedIn.user, body.value.customer_id) : undefined;
    const key = req.headers['idempotency-key'];
    const command: HoldCommand = {
      assertion: deps.assertCaller(req, signedIn, customer).assertion,
      key: typeof key === 'string' ? key : null,
      deadlineAt: answerBy(req, HOLD_DEADLINE_MS),
      body: body?.text ?? '{}',
    };
    let outcome = await deps.gatherer.submit(command);
    if (outcome.ok && outcome.answer.status === APART) outcome = await deps.apart.submit(command);
    if (!outcome.ok) {
      const code = outcome.failure === 'queue_full' ? 'overloaded' : 'dependency_unavailable';
      throw new Problem(code, { detail: DETAIL[outcome.failure], cause: outcome.cause });
    }
    const { status, headers, body: text } = outcome.answer;
    // Straight to Node: Express would look at the body again for a type and an ETag.
    res.writeHead(status, {
      ...headers,
      'content-type': status >= 400 ? 'application/problem+json' : 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    });
    res.end(text);
  });
}
