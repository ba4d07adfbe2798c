import { createHmac, randomUUID } from 'node:crypto';
import type { Requests } from '../load/http-load.ts';

export interface CallbackRequestsParams {
  readonly host: string;
  /** The key that signs callbacks. */
  readonly secret: string;
}

/**
 * POST /v1/webhooks/stripe as the provider sends them: a new event each, signed at the moment of sending, about an intent that is
 * nobody's, so that it is stored and found to concern no payment.
 */
export function createRequests(params: CallbackRequestsParams): Requests {
  const head = `POST /v1/webhooks/stripe HTTP/1.1\r\nHost: ${params.host}\r\nContent-Type: application/json; charset=utf-8\r\n`;
  const run = randomUUID();
  let n = 0;
  return {
    before: [],
    next() {
      n += 1;
      const body = callback(`evt_${run}_${n}`);
      const timestamp = Math.floor(Date.now() / 1000);
      const signature = createHmac('sha256', params.secret).update(`${timestamp}.${body}`).digest('hex');
      return `${head}Stripe-Signature: t=${timestamp},v1=${signature}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    },
    isSuccess: (outcome) => outcome === '200',
  };
}

/** As long as a real one: about 1.4 KiB. */
function callback(id: string): string {
  return JSON.stringify({
    id,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: 1_800_000_000,
    type: 'charge.updated',
    livemode: false,
    data: {
      object: { id: `ch_${id}`, object: 'charge', amount: 4_500, currency: 'eur', description: 'x'.repeat(1_100) },
    },
  });
}
