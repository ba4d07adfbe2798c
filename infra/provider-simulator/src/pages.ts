import express, { type Response, type Router } from 'express';
import { Draft } from './draft.ts';
import { authoriseIntent, declineIntent } from './settle-intent.ts';
import { API_VERSION } from './api.ts';
import type { PaymentIntent } from './objects.ts';
import type { Scheduler } from './scheduler.ts';
import type { Effect, World } from './world.ts';

const RECENT = 50;
const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
code{font-size:13px}.succeeded{color:#067a2b}.canceled,.requires_payment_method{color:#a11}button{margin-right:1rem}`;

/** The pages for people: recent payments, one payment with its effects, and the bank's question of a card that wants one. */
export function pages(deps: {
  world: World;
  scheduler: Scheduler;
  commit: (draft: Draft) => void;
  durable: () => Promise<void>;
}): Router {
  const { world } = deps;
  const router = express.Router();

  router.get('/', async (_request, response) => {
    const { data } = world.intents.page({ limit: RECENT, where: () => true }) ?? { data: [] };
    await deps.durable();
    const rows = data.map(
      (intent) =>
        `<tr><td><a href="/payments/${intent.id}"><code>${intent.id}</code></a></td><td>${time(intent.created)}</td>
<td>${money(intent.amount, intent.currency)}</td><td class="${intent.status}">${intent.status}</td>
<td>${escapeHtml(intent.metadata['booking_id'] ?? '')}</td><td>${effectNames(world.effectsOf({ payment_intent: intent.id }))}</td></tr>`,
    );
    const waiting = world.callbacks.size;
    sendPage(
      response,
      'Provider simulator',
      `<p>${world.intents.size} payments, ${world.refunds.size} refunds, ${world.events.size} events, ${waiting} callbacks still to deliver.
The newest ${RECENT}:</p><table><tr><th>Payment intent</th><th>Created</th><th>Amount</th><th>Status</th><th>Booking</th><th>Effects</th></tr>
${rows.join('\n')}</table>`,
    );
  });

  router.get('/payments/:id', async (request, response) => {
    const intent = world.intents.get(request.params.id);
    if (!intent) return notFound(response);
    await deps.durable();
    const rows = world.effectsOf({ payment_intent: intent.id }).map(
      (effect) => `<tr><td>${effect.seq}</td><td>${effect.at}</td><td>${effect.kind}</td>
<td>${money(effect.amount, effect.currency)}</td><td>${describeEffect(effect)}</td><td><code>${escapeHtml(effect.idempotency_key ?? '')}</code></td></tr>`,
    );
    sendPage(
      response,
      intent.id,
      `<p><a href="/">All payments</a></p><table><tr><th>#</th><th>At</th><th>Effect</th><th>Amount</th><th></th><th>Idempotency key</th></tr>
${rows.join('\n')}</table><pre>${escapeHtml(JSON.stringify(intent, null, 2))}</pre>`,
    );
  });

  router.get('/simulator/authenticate/:id', (request, response) => {
    const intent = world.intents.get(request.params.id);
    if (!intent) return notFound(response);
    const form =
      intent.status === 'requires_action'
        ? `<form method="post"><button name="outcome" value="approve">Approve</button><button name="outcome" value="refuse">Refuse</button></form>`
        : `<p>Nothing to do: the payment is ${intent.status}.</p>`;
    sendPage(response, `Pay ${money(intent.amount, intent.currency)}?`, form);
  });

  router.post('/simulator/authenticate/:id', express.urlencoded({ extended: false }), async (request, response) => {
    const intent = world.intents.get(String(request.params['id']));
    if (!intent) return notFound(response);
    const outcome = (request.body as { outcome?: unknown } | undefined)?.outcome;
    if (outcome !== 'approve' && outcome !== 'refuse') {
      response.status(400);
      return sendPage(response, 'Not understood', '<p>outcome must be approve or refuse.</p>');
    }
    if (intent.status !== 'requires_action' || intent.payment_method === null) {
      response.status(409);
      return sendPage(response, 'Too late', `<p>The payment is ${intent.status}.</p>`);
    }
    const now_ms = deps.scheduler.now();
    const draft = new Draft({ now_ms, api_version: API_VERSION, request_id: null, idempotency_key: null });
    answerAuthentication(draft, intent, intent.payment_method, outcome);
    deps.commit(draft);
    await deps.durable();
    const back = intent.next_action?.redirect_to_url.return_url;
    if (back) response.redirect(303, back);
    else sendPage(response, 'Thank you', `<p><a href="/payments/${intent.id}">The payment</a></p>`);
  });

  return router;
}

function answerAuthentication(
  draft: Draft,
  intent: PaymentIntent,
  method: string,
  outcome: 'approve' | 'refuse',
): void {
  if (outcome === 'approve') {
    authoriseIntent(draft, intent, method);
    return;
  }
  declineIntent(draft, intent, method, {
    code: 'payment_intent_authentication_failure',
    decline_code: 'authentication_required',
    message: 'The provided payment method has failed authentication.',
  });
}

function effectNames(effects: readonly Effect[]): string {
  const names = effects.filter((effect) => effect.kind !== 'callback_sent').map((effect) => effect.kind);
  const callbacks = effects.length - names.length;
  return [...names, ...(callbacks > 0 ? [`${callbacks} callback attempts`] : [])].join(', ');
}

function describeEffect(effect: Effect): string {
  if (effect.kind !== 'callback_sent') return escapeHtml(effect.reason ?? effect.refund ?? effect.payment_method ?? '');
  const answer = effect.answer_status ?? effect.error ?? 'no answer';
  return escapeHtml(`${effect.event_type}, attempt ${effect.attempt}: ${answer}`);
}

function money(amount: number, currency: string): string {
  return escapeHtml(`${amount} ${currency.toUpperCase()} (minor units)`);
}

function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function notFound(response: Response): void {
  response.status(404);
  sendPage(response, 'No such payment', '<p><a href="/">All payments</a></p>');
}

function sendPage(response: Response, title: string, body: string): void {
  response
    .set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    .type('html')
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style><h1>${escapeHtml(title)}</h1>${body}</html>`,
    );
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
