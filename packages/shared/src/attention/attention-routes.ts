import { Router } from 'express';
import type { Pool } from '../db/pool.ts';
import { joinAttention, type AttentionSource } from './attention-source.ts';

/**
 * GET /attention, to be mounted at /internal behind requireAssertion: what of this service needs a person. For the gateway, which puts
 * the services' answers together.
 */
export function attentionRoutes(pool: Pool, sources: readonly AttentionSource[]): Router {
  const router = Router();
  router.get('/attention', async (_req, res) => {
    res.json(joinAttention(await Promise.all(sources.map((source) => source(pool)))));
  });
  return router;
}
