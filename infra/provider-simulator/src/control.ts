import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { z } from 'zod';
import { API_VERSION } from './api.ts';
import type { CallbackSender } from './callbacks.ts';
import { Draft } from './draft.ts';
import { cancelByProvider } from './intent-operations.ts';
import { ruleSchema, type Rules } from './rules.ts';
import type { Scheduler } from './scheduler.ts';
import type { World } from './world.ts';

const releaseSchema = z.strictObject({
  booking_id: z.string().optional(),
  /** In which order they are sent; of a shuffle every order is equally likely. */
  order: z.enum(['as_made', 'reversed', 'shuffled']).default('as_made'),
});

/**
 * The desk of whoever tests: scripts what comes next, lets held callbacks go, and lets an authorisation lapse. Answers callers on
 * this machine alone, and JSON alone, so that no page in a browser can use it.
 */
export function control(deps: {
  world: World;
  rules: Rules;
  callbacks: CallbackSender;
  scheduler: Scheduler;
  commit: (draft: Draft) => void;
  durable: () => Promise<void>;
}): Router {
  const { world, rules, callbacks } = deps;
  const router = express.Router();
  router.use(['/rules', '/callbacks', '/payment_intents'], onlyLocal, express.json({ limit: '64kb' }));

  router.get('/rules', (_request, response) => void response.json(rules.list()));
  router.post('/rules', (request, response) => {
    const parsed = ruleSchema.safeParse(request.body);
    if (!parsed.success) return refuse(response, 422, z.prettifyError(parsed.error));
    response.status(201).json(rules.add(parsed.data));
  });
  router.delete('/rules', (_request, response) => {
    rules.clear();
    response.status(204).end();
  });
  router.delete('/rules/:id', (request, response) => {
    if (!rules.remove(String(request.params['id']))) return refuse(response, 404, 'no such rule');
    response.status(204).end();
  });

  router.get('/callbacks', (_request, response) => void response.json([...world.callbacks.values()]));
  router.post('/callbacks/release', async (request, response) => {
    const parsed = releaseSchema.safeParse(request.body ?? {});
    if (!parsed.success) return refuse(response, 422, z.prettifyError(parsed.error));
    const { booking_id, order } = parsed.data;
    const held = [...world.callbacks.values()].filter((callback) => {
      return callback.held === true && (booking_id === undefined || bookingOf(world, callback.event_id) === booking_id);
    });
    if (order === 'reversed') held.reverse();
    if (order === 'shuffled') shuffle(held);
    // One after the other, each answered before the next is sent: side by side they would arrive in any order.
    await callbacks.sendInOrder(held.map((callback) => ({ ...callback, held: false })));
    response.json({ released: held.map((callback) => callback.event_id) });
  });

  router.post('/payment_intents/:id/lapse', async (request, response) => {
    const intent = world.intents.get(String(request.params['id']));
    if (!intent) return refuse(response, 404, 'no such payment intent');
    if (intent.status !== 'requires_capture') return refuse(response, 409, `it is ${intent.status}`);
    const now_ms = deps.scheduler.now();
    const draft = new Draft({ now_ms, api_version: API_VERSION, request_id: null, idempotency_key: null });
    deps.commit(cancelByProvider(draft, intent));
    await deps.durable();
    response.json(world.intents.get(intent.id));
  });

  router.use((error: Error & { status?: number }, _request: Request, response: Response, next: NextFunction) => {
    if (error.status === undefined || error.status >= 500) return next(error);
    refuse(response, error.status, error.message);
  });
  return router;
}

function onlyLocal(request: Request, response: Response, next: NextFunction): void {
  const address = request.socket.remoteAddress ?? '';
  if (!/^(::1|(::ffff:)?127\.)/.test(address)) return refuse(response, 403, 'only from this machine');
  const hasBody = request.method === 'POST';
  if (hasBody && request.is('application/json') === false) return refuse(response, 415, 'send application/json');
  next();
}

function refuse(response: Response, status: number, error: string): void {
  response.status(status).json({ error });
}

function bookingOf(world: World, event_id: string): string | null {
  const object = world.events.get(event_id)?.data.object;
  if (!object) return null;
  const intent = object.object === 'payment_intent' ? object : world.intents.get(object.payment_intent);
  return intent?.metadata['booking_id'] ?? null;
}

function shuffle<T>(items: T[]): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
}
