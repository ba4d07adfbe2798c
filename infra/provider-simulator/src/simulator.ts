import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import { API_VERSION, stripeApi } from './api.ts';
import { CallbackSender } from './callbacks.ts';
import type { Config } from './config.ts';
import { control } from './control.ts';
import { Draft } from './draft.ts';
import { Journal } from './journal.ts';
import { pages } from './pages.ts';
import { Rules } from './rules.ts';
import { systemScheduler, type Scheduler } from './scheduler.ts';
import { settleIntent } from './settle-intent.ts';
import { witness } from './witness.ts';
import { World, type Change, type PendingCallback, type Settlement } from './world.ts';

export interface Simulator {
  /** The port it listens on, also where the configuration said 0. */
  readonly port: number;
  /** Answers what has been asked, stops callbacks and closes the journal. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Rebuilds the state from the journal, takes up unfinished settlements and callbacks, and listens.
 * @throws Error when the journal is damaged or the port is taken.
 */
export async function startSimulator(
  config: Config,
  overrides: { scheduler?: Scheduler; onJournalFailure?: (error: Error) => void } = {},
): Promise<Simulator> {
  const scheduler = overrides.scheduler ?? systemScheduler;
  const onJournalFailure =
    overrides.onJournalFailure ??
    ((error: Error) => {
      // An uncaught exception ends the process, which is the point: it must not answer from memory the disk does not have.
      queueMicrotask(() => {
        throw error;
      });
    });

  // 1. State.
  const world: World = new World(scheduler, (record) => journal.append(record));
  const path = join(config.data_dir, 'journal.jsonl');
  const journal = await Journal.open(path, (record) => world.replay(record), onJournalFailure);

  // 2. What happens without being asked: callbacks and outcomes that come later.
  const callbacks = new CallbackSender(world, scheduler, config);
  const rules = new Rules();
  const settling = new Map<string, () => void>();
  const durable = (): Promise<void> => journal.flushed();
  const commit = (draft: Draft): void => {
    const { change } = draft;
    const isEmpty = change.answer === undefined && change.effects.length === 0 && change.settlements.length === 0;
    if (isEmpty) return;
    change.callbacks = change.callbacks.flatMap(
      (callback) => rules.forCallback(callback, subjectOf(change, callback)) ?? [],
    );
    world.commit(change);
    for (const settlement of change.settlements) if (settlement.due > 0) awaitSettlement(settlement);
    if (change.callbacks.length === 0) return;
    // A failed flush has already ended the process through onJournalFailure.
    durable().then(
      () => change.callbacks.forEach((callback) => callbacks.schedule(callback)),
      () => undefined,
    );
  };
  /** What a planned callback is about; its event is in the same change, its intent there or in the world. */
  const subjectOf = (change: Change, { event_id }: PendingCallback) => {
    const event = change.events.find(({ id }) => id === event_id);
    const object = event?.data.object;
    const id = object === undefined ? '' : object.object === 'payment_intent' ? object.id : object.payment_intent;
    const intent = change.intents.find((each) => each.id === id) ?? world.intents.get(id);
    return { type: event?.type ?? '', payment_intent: id, booking_id: intent?.metadata['booking_id'] ?? null };
  };
  const awaitSettlement = (settlement: Settlement): void => {
    const settle = (): void => {
      settling.delete(settlement.payment_intent);
      const { idempotency_key } = settlement;
      const now_ms = scheduler.now();
      const draft = new Draft({ now_ms, api_version: API_VERSION, request_id: null, idempotency_key });
      settleIntent(world, settlement, draft);
      commit(draft);
    };
    const wait_ms = Math.max(0, settlement.due - scheduler.now());
    settling.set(settlement.payment_intent, scheduler.after(wait_ms, settle));
  };

  // 3. HTTP.
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.get(['/livez', '/readyz'], (_request, response) => void response.json({ status: 'ok' }));
  let port = config.port;
  const base_url = (): string => `http://${config.host}:${port}`;
  const { api_key, latency_ms } = config;
  app.use('/v1', stripeApi({ world, rules, scheduler, api_key, latency_ms, base_url, commit, durable }));
  app.use('/simulator', witness(world, durable));
  app.use('/simulator', control({ world, rules, callbacks, scheduler, commit, durable }));
  app.use(pages({ world, scheduler, commit, durable }));

  const server = createServer(app);
  // Longer than clients keep idle connections, so that they are the ones to close and no request meets a closing socket.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(config.port, config.host, resolve);
  }).catch(async (cause: unknown) => {
    await journal.close();
    throw new Error(`cannot listen on ${config.host}:${config.port}; set HOLDFAST_PROVIDER_PORT to a free port`, {
      cause,
    });
  });
  port = (server.address() as AddressInfo).port;
  for (const settlement of [...world.settlements.values()]) awaitSettlement(settlement);
  callbacks.start();

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    for (const cancel of settling.values()) cancel();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    await callbacks.stop();
    await durable();
    server.closeAllConnections();
    await closed;
    await journal.close();
  };
  return { port, stop: () => (stopped ??= stop()) };
}
