import { createCircuit, isNotCalled, type CircuitStateName } from '@holdfast/shared/circuit';
import { QUOTE_ANSWER, QUOTE_REQUEST, quoteAnswer, type QuoteRequest } from '@holdfast/shared/contracts/quotes';
import { assertNoOpenTransaction } from '@holdfast/shared/db/transaction';
import { SIGNATURE_HEADER, signBody, verifyBody, type SigningKey } from '@holdfast/shared/http/body-signature';
import { Pool } from 'undici';
import type { Quote } from './quote-rules.ts';

/** Why the quoter gave no price; each counts as a failure of the quoter, except that it was not asked. */
export type NoQuoteReason =
  | 'not_configured'
  | 'circuit_open'
  | 'busy'
  | 'timeout'
  | 'unreachable'
  | 'status'
  | 'signature'
  | 'malformed'
  /** Genuine, but of other places, in another currency, or over already. */
  | 'unfit';

export type QuoterAnswer =
  | { readonly kind: 'quote'; readonly quote: Quote }
  /** The event, or these places of it, are not offered any more. */
  | { readonly kind: 'not_offered'; readonly reason: string }
  | { readonly kind: 'none'; readonly why: NoQuoteReason };

export interface Quoter {
  /** Asks once. Never throws for what the other side does. @throws Error inside a transaction. */
  ask(request: QuoteRequest, timeoutMs: number): Promise<QuoterAnswer>;
  state(): CircuitStateName;
  close(): Promise<void>;
}

export interface QuoterOptions {
  readonly url: string;
  /** The first signs our questions; the quoter may answer with any of them. Asked for each time. */
  readonly keys: () => readonly SigningKey[];
  readonly breakMs: number;
  readonly onChange: (state: CircuitStateName) => void;
}

const CONNECTIONS = 64;
/** Questions under way. More of them would only wait until their time is over. */
const MAX_UNDER_WAY = 256;
const MAX_ANSWER_BYTES = 256 * 1024;

/**
 * The HTTP pricing service, behind a circuit breaker. Its answers are believed when one of the shared secrets signed them and they
 * carry the nonce of the question; redirects are not followed.
 */
export function createQuoter(options: QuoterOptions): Quoter {
  const target = new URL(options.url);
  const pool = new Pool(target.origin, { connections: CONNECTIONS, connect: { timeout: 1_000 } });
  const circuit = createCircuit<QuoterAnswer>({
    breakMs: options.breakMs,
    isFailure: ({ kind }) => kind === 'none',
    onChange: options.onChange,
  });
  let underWay = 0;

  async function call(request: QuoteRequest, timeoutMs: number): Promise<QuoterAnswer> {
    const body = JSON.stringify(request);
    try {
      const response = await pool.request({
        method: 'POST',
        path: target.pathname + target.search,
        headers: {
          'content-type': 'application/json',
          [SIGNATURE_HEADER]: signBody(options.keys()[0]!, QUOTE_REQUEST, body),
        },
        body,
        // Over the answer's body too: one that trickles in is as late as one that does not come.
        signal: AbortSignal.timeout(Math.max(1, Math.round(timeoutMs))),
      });
      const text = await readAtMost(response.body, MAX_ANSWER_BYTES);
      if (response.statusCode !== 200) return { kind: 'none', why: 'status' };
      if (text === null) return { kind: 'none', why: 'malformed' };
      return toAnswer(text, response.headers[SIGNATURE_HEADER], request);
    } catch (error) {
      return { kind: 'none', why: isTimeout(error) ? 'timeout' : 'unreachable' };
    }
  }

  function toAnswer(text: Buffer, header: string | string[] | undefined, request: QuoteRequest): QuoterAnswer {
    const signature = verifyBody(options.keys(), QUOTE_ANSWER, text, typeof header === 'string' ? header : undefined);
    if (!signature) return { kind: 'none', why: 'signature' };
    const body = text.toString('utf8');
    const parsed = quoteAnswer.safeParse(parseJson(body));
    if (!parsed.success) return { kind: 'none', why: 'malformed' };
    const answer = parsed.data;
    // A genuine answer to another question is an old one that somebody sends again.
    if (answer.nonce !== request.nonce || answer.event_id !== request.event.id)
      return { kind: 'none', why: 'malformed' };
    if (!answer.valid) return { kind: 'not_offered', reason: answer.reason };
    const places = answer.places.map(({ category, quantity, seats, unit_amount }) => {
      return { category, quantity, seats, unitAmount: BigInt(unit_amount) };
    });
    return {
      kind: 'quote',
      quote: {
        id: answer.quote_id,
        nonce: answer.nonce,
        eventId: answer.event_id,
        currency: answer.currency,
        places,
        expiresAt: new Date(answer.expires_at),
        signed: { body, keyId: signature.keyId, signature: signature.value },
      },
    };
  }

  return {
    state: () => circuit.state(),
    async ask(request, timeoutMs) {
      assertNoOpenTransaction('asking the quoter');
      if (underWay >= MAX_UNDER_WAY) return { kind: 'none', why: 'busy' };
      underWay += 1;
      try {
        const answer = await circuit.run(() => call(request, timeoutMs));
        return isNotCalled(answer) ? { kind: 'none', why: 'circuit_open' } : answer;
      } finally {
        underWay -= 1;
      }
    },
    close: () => pool.destroy(),
  };
}

/** For an installation without a quoter: events with quoted prices live by their own rule. */
export const NO_QUOTER: Quoter = {
  ask: () => Promise.resolve({ kind: 'none', why: 'not_configured' }),
  state: () => 'closed',
  close: () => Promise.resolve(),
};

/** Null when the body is longer; the connection is given up then. */
async function readAtMost(body: AsyncIterable<Buffer>, limit: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isTimeout(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, code } = error as { name?: unknown; code?: unknown };
  return (
    name === 'TimeoutError' || (typeof code === 'string' && code.startsWith('UND_ERR') && code.endsWith('TIMEOUT'))
  );
}
