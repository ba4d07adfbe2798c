import { assertNoOpenTransaction } from '@holdfast/shared/db/transaction';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import { currentSecret, type Secrets } from '@holdfast/shared/secrets/secret-ring';
import { Agent, request } from 'undici';
import { textOfNotice } from '../templates/text-of-notice.ts';
import type { Channel, OutboundMessage, SendOutcome } from './channel.ts';
import { pauseOf, readStart } from './http-answer.ts';
import { fillBody } from './sms-body.ts';

export interface TextChannelOptions {
  /** Where the provider takes messages: POST. */
  readonly url: string;
  /** Value of the Authorization header; null without one. */
  readonly authorization: Secrets | null;
  /** Number or name that the messages come from. */
  readonly from: string;
  /** The provider's body with `{from}`, `{to}`, `{text}` and `{id}` in it, see sms-body.ts. */
  readonly body: string;
  /** Opens codes. */
  readonly sealer: Sealer;
}

/** The whole call, connection and answer; well below a delivery's lease. */
const CALL_LIMIT_MS = 15_000;

/**
 * Text messages over the HTTP API of a provider. The delivery's id goes along as Idempotency-Key and as `{id}`: a provider that knows either
 * sends a message once also when its answer was lost; another one may send it twice, as a mail server may.
 */
export function createTextChannel(options: TextChannelOptions): Channel {
  const agent = new Agent({ connect: { timeout: 5_000 } });

  return {
    name: 'sms',

    async send(message: OutboundMessage): Promise<SendOutcome> {
      assertNoOpenTransaction('SMS');
      const text = textOf(message, options.sealer);
      if (text === null) return { outcome: 'refused', reason: 'the code in it was sealed under a secret that is gone' };
      const { type, content } = fillBody(options.body, {
        from: options.from,
        to: message.recipient,
        text,
        id: message.id,
      });
      const answer = await request(options.url, {
        method: 'POST',
        headers: {
          'content-type': type,
          'idempotency-key': message.id,
          'user-agent': 'Holdfast/1',
          ...(options.authorization === null ? {} : { authorization: currentSecret(options.authorization) }),
        },
        body: content,
        dispatcher: agent,
        signal: AbortSignal.timeout(CALL_LIMIT_MS),
      });
      const said = await readStart(answer.body);
      return outcomeOf(answer.statusCode, said, answer.headers['retry-after'], message.id);
    },

    // A provider offers nothing that could be asked without sending: what is sent tells.
    check: () => Promise.resolve('told by what is sent'),

    close: () => void agent.destroy(),
  };
}

/** Null when the code can no longer be read. */
function textOf({ notice }: OutboundMessage, sealer: Sealer): string | null {
  if ('booking' in notice) return textOfNotice(notice);
  if (!('phone_code' in notice)) throw new Error('no text message at the channel of text messages');
  const code = sealer.unseal(notice.phone_code.sealed_code);
  return code === null ? null : `${code} is your code for text messages about your bookings. Tell it to nobody.`;
}

/** What an answer means: 4xx are about this message, except those about us (401, 402, 403, 404) or about the moment (408, 425, 429). */
export function outcomeOf(
  status: number,
  said: string,
  retryAfter: string | string[] | undefined,
  id: string,
): SendOutcome {
  if (status >= 200 && status <= 299) return { outcome: 'accepted', providerMessageId: messageIdIn(said) ?? id };
  const reason = `answered ${status}${said === '' ? '' : `: ${said}`}`;
  if (status >= 400 && status <= 499 && ![401, 402, 403, 404, 408, 425, 429].includes(status)) {
    return { outcome: 'refused', reason };
  }
  const pauseMs = status === 429 || status === 503 ? pauseOf(retryAfter) : null;
  return { outcome: 'put_off', reason, ...(pauseMs === null ? {} : { retryAfterMs: pauseMs }) };
}

/** The provider's own id of a message, under the names that providers use, for whoever looks for it there. */
function messageIdIn(said: string): string | null {
  try {
    const answer: unknown = JSON.parse(said);
    if (typeof answer !== 'object' || answer === null) return null;
    for (const name of ['id', 'sid', 'message_id', 'messageId']) {
      const value = (answer as Record<string, unknown>)[name];
      if (typeof value === 'string' && value !== '') return value.slice(0, 200);
    }
    return null;
  } catch {
    return null;
  }
}
