import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { ASSERTION_HEADER } from '@holdfast/shared/http/internal-assertion';
import { Problem } from '@holdfast/shared/problems';
import type { Dispatcher } from 'undici';
import type { AssertCaller } from '../border/assertion.ts';
import { answerBy } from '../border/request-context.ts';
import type { SignedIn } from '../identity/user.ts';
import { addHeadersForClient, headersForService } from './forwarded-headers.ts';
import type { ServiceAnswer } from './service-call.ts';
import type { ServiceLink } from './service-link.ts';
import { neverSent } from './upstream.ts';

const IN_ONE_PIECE_BYTES = 16 * 1024;

export interface Forwarding {
  readonly link: ServiceLink;
  /** For the message of a refusal. */
  readonly service: string;
  /** Built from the matched route, so what the service sees is what was authorised. With the query. */
  readonly path: string;
  readonly signedIn: SignedIn | null;
  readonly body: string | Buffer | null;
  /** From the moment the request came: reading its body and deciding who calls are a part of what the client waits. */
  readonly timeLimitMs: number;
  readonly webhook: boolean;
  /** Whether the service carries the same request out once, however often it comes. */
  readonly repeatable: boolean;
  /** Headers of the answer beside those that are set already: names and values by turns. */
  readonly answerHeaders: string[];
}

/**
 * Sends a request on and its answer back. @throws Problem `dependency_unavailable` when the service cannot be reached, breaks off
 * or does not answer in time, `overloaded` when too many wait for it already.
 */
export async function forwardRequest(
  assertCaller: AssertCaller,
  req: IncomingMessage,
  res: ServerResponse,
  forwarding: Forwarding,
): Promise<void> {
  const { assertion, caller } = assertCaller(req, forwarding.signedIn);
  const headers = headersForService(req.headers, forwarding.webhook);
  headers.push(ASSERTION_HEADER, assertion, 'traceparent', caller.traceparent, 'request-id', caller.requestId);
  try {
    const answer = await forwarding.link.call({
      method: req.method as Dispatcher.HttpMethod,
      path: forwarding.path,
      headers,
      body: forwarding.body,
      limitMs: Math.ceil(answerBy(req, forwarding.timeLimitMs) - performance.now()),
      repeatable: forwarding.repeatable,
    });
    await sendBack(res, answer, forwarding.answerHeaders);
  } catch (error) {
    if (res.headersSent || error instanceof Problem) throw error;
    throw new Problem('dependency_unavailable', {
      detail: `the ${forwarding.service} service ${neverSent(error) ? 'cannot be reached' : 'did not answer in time'}`,
      cause: error,
    });
  }
}

async function sendBack(
  res: ServerResponse,
  { status, headers, body }: ServiceAnswer,
  passed: string[],
): Promise<void> {
  addHeadersForClient(passed, headers);
  res.writeHead(status, passed);
  if (!Buffer.isBuffer(body)) await pipeline(body, res);
  // As text, Node sends head and body in one piece; as bytes, in two. Each byte is one character here, whatever it means.
  else if (body.length <= IN_ONE_PIECE_BYTES) res.end(body.toString('latin1'), 'latin1');
  else res.end(body);
}
