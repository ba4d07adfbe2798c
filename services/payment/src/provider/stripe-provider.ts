import { currentSecret, type Secrets } from '@holdfast/shared/secrets/secret-ring';
import { assertNoOpenTransaction } from '@holdfast/shared/db/transaction';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import Stripe from 'stripe';
import type { Answer, Intent, IntentPage, Provider, ProviderRefund } from './provider.ts';
import { toIntent, toListedIntent, toRefund } from './stripe-objects.ts';

export interface StripeOptions {
  readonly apiKey: Secrets;
  /** Scheme, host and port; the local simulator or https://api.stripe.com. */
  readonly apiBase: string;
  readonly timeoutMs: number;
  /** Calls under way at most; the rest is put off, so that a slow provider does not gather sockets. */
  readonly concurrency: number;
}

/** Codes of a 400 that says where the object stands rather than what is wrong with the request. */
const WRONG_STATE = new Set(['payment_intent_unexpected_state', 'intent_invalid_state', 'charge_already_refunded']);

/** Asks for the charge and for the transaction that pays it out, which knows the fee. */
const WITH_FEE = ['latest_charge.balance_transaction'];

const IN_USE_RETRY_MS = 500;
const CONFIGURATION_RETRY_MS = 5_000;
const THROTTLED_RETRY_MS = 1_000;
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * The port over the official package. Its own retries are off and its timeout is short: the operation row decides what is tried
 * again and when, with the key that the row carries.
 */
export function createStripeProvider(options: StripeOptions): Provider {
  const base = new URL(options.apiBase);
  const secure = base.protocol === 'https:';
  const connect = (apiKey: string) =>
    new Stripe(apiKey, {
      host: base.hostname,
      port: base.port === '' ? (secure ? 443 : 80) : Number(base.port),
      protocol: secure ? 'https' : 'http',
      maxNetworkRetries: 0,
      timeout: options.timeoutMs,
      telemetry: false,
    });
  let client: { apiKey: string; stripe: Stripe } | null = null;
  /** With the key of the moment: it may be replaced while the process runs. */
  const stripe = () => {
    const apiKey = currentSecret(options.apiKey);
    if (client?.apiKey !== apiKey) client = { apiKey, stripe: connect(apiKey) };
    return client.stripe;
  };
  const limited = bulkhead(options.concurrency, 0);

  async function call<R, T>(what: string, send: () => Promise<R>, read: (result: R) => T): Promise<Answer<T>> {
    assertNoOpenTransaction(`provider call ${what}`);
    let result: R;
    try {
      result = await limited.execute(send);
    } catch (error) {
      if (isBulkheadRejectedError(error)) return { kind: 'later', delayMs: IN_USE_RETRY_MS, reason: 'provider_busy' };
      return answerOfError(error);
    }
    try {
      return { kind: 'ok', value: read(result) };
    } catch {
      // Carried out, but told in a form that we cannot read: to be looked at, never to be guessed.
      return { kind: 'unknown', reason: 'unreadable_answer' };
    }
  }

  const intents = () => stripe().paymentIntents;
  return {
    name: 'stripe',
    createIntent: (request) =>
      call<unknown, Intent>(
        'create intent',
        () =>
          intents().create(
            {
              amount: Number(request.amount),
              currency: request.currency.toLowerCase(),
              capture_method: 'manual',
              // Methods that lead to another site need an address to come back to, which this service does not know.
              automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
              description: request.description,
              metadata: { booking_id: request.bookingId, payment_id: request.paymentId },
            },
            { idempotencyKey: request.key },
          ),
        toIntent,
      ),
    confirmIntent: ({ reference, paymentMethod, key }) =>
      call<unknown, Intent>(
        'confirm intent',
        () => intents().confirm(reference, { payment_method: paymentMethod }, { idempotencyKey: key }),
        toIntent,
      ),
    captureIntent: ({ reference, amount, key }) =>
      call<unknown, Intent>(
        'capture intent',
        () =>
          intents().capture(
            reference,
            { amount_to_capture: Number(amount), expand: WITH_FEE },
            { idempotencyKey: key },
          ),
        toIntent,
      ),
    cancelIntent: ({ reference, key }) =>
      call<unknown, Intent>(
        'cancel intent',
        () => intents().cancel(reference, { cancellation_reason: 'abandoned' }, { idempotencyKey: key }),
        toIntent,
      ),
    retrieveIntent: (reference) =>
      call<unknown, Intent>('retrieve intent', () => intents().retrieve(reference, { expand: WITH_FEE }), toIntent),
    refund: ({ reference, refundId, paymentId, amount, key }) =>
      call<unknown, ProviderRefund>(
        'refund',
        () =>
          stripe().refunds.create(
            {
              payment_intent: reference,
              amount: Number(amount),
              metadata: { refund_id: refundId, payment_id: paymentId },
            },
            { idempotencyKey: key },
          ),
        toRefund,
      ),
    findRefund: (reference, refundId) =>
      call(
        'list refunds',
        () => stripe().refunds.list({ payment_intent: reference, limit: 100 }),
        (page) => {
          const ours = page.data.find((refund) => refund.metadata?.['refund_id'] === refundId);
          return ours === undefined ? null : toRefund(ours);
        },
      ),
    listIntents: ({ from, to, after }) =>
      call(
        'list intents',
        () =>
          intents().list({
            created: { gte: seconds(from), lt: seconds(to) },
            limit: 100,
            expand: ['data.latest_charge.balance_transaction'],
            ...(after === null ? {} : { starting_after: after }),
          }),
        (page): IntentPage => ({
          intents: page.data.map(toListedIntent),
          next: page.has_more ? (page.data.at(-1)?.id ?? null) : null,
        }),
      ),
  };
}

/** The provider counts whole seconds; rounding down here widens a window at its start and closes it where the next one begins. */
function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1_000);
}

/** What an error of the package means for the operation. Whatever is not surely "nothing happened" is unknown. */
export function answerOfError(error: unknown): Exclude<Answer<never>, { kind: 'ok' }> {
  if (!(error instanceof Stripe.errors.StripeError)) return { kind: 'unknown', reason: 'no_answer' };
  const status = error.statusCode;
  const reason = error.code || error.rawType || 'provider_error';
  if (status === undefined) return { kind: 'unknown', reason: 'no_answer' };
  if (status === 429) {
    return { kind: 'later', delayMs: retryAfterMs(error.headers?.['retry-after']), reason: 'rate_limited' };
  }
  if (status === 402) {
    return {
      kind: 'declined',
      reason: error.decline_code || error.code || 'card_declined',
      charge: chargeOf(error),
    };
  }
  // The first call with this key is still being carried out over there.
  if (status === 409) return { kind: 'later', delayMs: IN_USE_RETRY_MS, reason: 'key_in_use' };
  // Our own credentials: nothing happened, and it is not the customer's fault.
  if (status === 401 || status === 403)
    return { kind: 'later', delayMs: CONFIGURATION_RETRY_MS, reason: 'credentials' };
  if (status >= 400 && status < 500) {
    // The key was used with other parameters, so something may well have happened under it.
    if (error.rawType === ('idempotency_error' as string)) return { kind: 'unknown', reason: 'idempotency_error' };
    if (WRONG_STATE.has(error.code ?? '')) return { kind: 'wrong_state', reason };
    return { kind: 'refused', reason };
  }
  return { kind: 'unknown', reason: `http_${status}` };
}

/** A Retry-After in either of its forms, seconds or a date (RFC 9110), as far as it lies within an hour. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return THROTTLED_RETRY_MS;
  const delayMs = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(delayMs) && delayMs > 0 ? Math.min(delayMs, MAX_RETRY_AFTER_MS) : THROTTLED_RETRY_MS;
}

function chargeOf(error: InstanceType<typeof Stripe.errors.StripeError>): string | null {
  const latest = error.payment_intent?.latest_charge;
  return error.charge ?? (typeof latest === 'string' ? latest : (latest?.id ?? null));
}
