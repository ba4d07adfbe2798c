import express, { type Router } from 'express';
import { z } from 'zod';
import type { World } from './world.ts';

const query = z.strictObject({
  booking_id: z.string().optional(),
  payment_intent: z.string().optional(),
  kind: z.string().optional(),
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(100_000).default(1000),
});

/** `GET /effects`: what the provider really did, oldest first; `after` takes the `seq` of the last line already read. */
export function witness(world: World, durable: () => Promise<void>): Router {
  const router = express.Router();
  router.get('/effects', async (request, response) => {
    const parsed = query.safeParse(request.query);
    if (!parsed.success) {
      response.status(400).json({ error: parsed.error.issues.map((issue) => issue.message).join('; ') });
      return;
    }
    const { kind, after, limit, ...of } = parsed.data;
    const effects = world.effectsOf(of);
    const chosen = effects.filter((effect) => effect.seq > after && (kind === undefined || effect.kind === kind));
    await durable();
    response.json(chosen.slice(0, limit));
  });
  return router;
}
