import { pipeline } from 'node:stream/promises';
import { ASSERTION_HEADER } from '@holdfast/shared/http/internal-assertion';
import { Problem } from '@holdfast/shared/problems';
import type { Request, Response } from 'express';
import type { Dispatcher } from 'undici';
import type { AssertCaller } from '../border/assertion.ts';
import type { SignedIn } from '../identity/user.ts';
import { headersForClient, headersForService } from './forwarded-headers.ts';
import type { ServiceLink } from './service-link.ts';
import { neverSent } from './upstream.ts';

/** Answers up to this size are read whole, so that a service that dies half-way gives a 503 and not a torn body. */
const WHOLE_BYTES = 256 * 1024;

export interface Forwarding {
  readonly link: ServiceLink;
  /** For the message of a refusal. */
  readonly service: string;
  /** Built from the matched route, so what the service sees is what was authorised. With the query. */
  readonly path: string;
  readonly signedIn: SignedIn | null;
  readonly body: string | Buffer | null;
  readonly timeLimitMs: number;
  readonly webhook: boolean;
  /** Whether the service carries the same request out once, however often it comes. */
  readonly repeatable: boolean;
}

/**
 * Sends a request on and its answer back. @throws Problem `dependency_unavailable` when the service cannot be reached, breaks off
 * or does not answer in time, `overloaded` when too many wait for it already.
 */
export async function forwardRequest(
  assertCaller: AssertCaller,
  req: Request,
  res: Response,
  forwarding: Forwarding,
): Promise<void> {
  const { assertion, caller } = assertCaller(req, forwarding.signedIn);
  try {
    const answer = await forwarding.link.call({
      method: req.method as Dispatcher.HttpMethod,
      path: forwarding.path,
      headers: {
        ...headersForService(req.headers, forwarding.webhook),
        [ASSERTION_HEADER]: assertion,
        traceparent: caller.traceparent,
        'request-id': caller.requestId,
      },
      body: forwarding.body,
      limitMs: forwarding.timeLimitMs,
      repeatable: forwarding.repeatable,
    });
    await sendBack(req, res, answer);
  } catch (error) {
    if (res.headersSent || error instanceof Problem) throw error;
    throw new Problem('dependency_unavailable', {
      detail: `the ${forwarding.service} service ${neverSent(error) ? 'cannot be reached' : 'did not answer in time'}`,
      cause: error,
    });
  }
}

async function sendBack(req: Request, res: Response, answer: Dispatcher.ResponseData): Promise<void> {
  const headers = headersForClient(answer.headers);
  const length = Number(headers['content-length'] ?? Number.NaN);
  const hasNoBody = req.method === 'HEAD' || answer.statusCode === 204 || answer.statusCode === 304;
  if (hasNoBody) {
    await answer.body.dump();
    res.writeHead(answer.statusCode, headers).end();
  } else if (length <= WHOLE_BYTES) {
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    res.writeHead(answer.statusCode, headers).end(bytes);
  } else {
    res.writeHead(answer.statusCode, headers);
    await pipeline(answer.body, res);
  }
}
