import type { BlockList } from 'node:net';
import type { Pool } from '@holdfast/shared/db/pool';
import { callerOf } from '@holdfast/shared/http/caller';
import { Problem } from '@holdfast/shared/problems';
import type { Logger } from 'pino';
import express, { Router, type NextFunction, type Request, type Response } from 'express';
import { receiveWebhook, type Reception } from './receive-webhook.ts';
import { isAllowedSource } from './source-allowlist.ts';

export const WEBHOOK_LIMIT_BYTES = 1024 * 1024;

export interface WebhookRouteOptions {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly secrets: readonly string[];
  readonly allowed: BlockList;
  readonly nowMs: () => number;
  /** Call after the commit of a new callback. */
  readonly onStored: () => void;
  /** For metrics: what became of one request. */
  readonly onResult: (result: string) => void;
}

const PROVIDERS: readonly string[] = ['stripe'];

/** Headers that say how a callback came; none of them is a secret of ours. */
const KEPT_HEADERS = ['stripe-signature', 'content-type', 'user-agent', 'content-length', 'traceparent'];

/**
 * POST /v1/webhooks/:provider. 200 means stored, for ever; duplicates and unknown types too. Source, signature and freshness are
 * checked in this order before anything is believed. Expects requireAssertion in front.
 */
export function webhookRoutes(options: WebhookRouteOptions): Router {
  const router = Router();
  router.post(
    '/v1/webhooks/:provider',
    (req: Request, _res: Response, next: NextFunction) => {
      if (!PROVIDERS.includes(req.params['provider'] as string)) throw new Problem('not_found');
      if (!isAllowedSource(options.allowed, callerOf(req).address)) {
        options.onResult('source_not_allowed');
        throw new Problem('source_not_allowed');
      }
      next();
    },
    // The signature is over the bytes as sent, so they are neither inflated nor parsed here.
    express.raw({ type: () => true, limit: WEBHOOK_LIMIT_BYTES, inflate: false }),
    async (req: Request, res: Response) => {
      const { requestId } = callerOf(req);
      const signature = req.headers['stripe-signature'];
      const reception = await receiveWebhook(options, {
        provider: req.params['provider'] as string,
        // Without a body there is nothing for the parser to put here.
        body: Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0),
        headers: keptHeaders(req),
        signature: Array.isArray(signature) ? signature.join(',') : signature,
        requestId,
      }).catch((error: unknown) => {
        options.onResult('not_stored');
        // Whatever the reason: a callback that is not stored was not received, and the provider must send it again.
        options.logger.warn({ err: error, request_id: requestId }, 'callback could not be stored');
        throw new Problem('dependency_unavailable');
      });
      options.onResult(reception);
      if (!isAccepted(reception)) throw new Problem(reception);
      res.json({ received: true });
      if (reception === 'stored') options.onStored();
    },
  );
  return router;
}

function isAccepted(reception: Reception): reception is 'stored' | 'duplicate' {
  return reception === 'stored' || reception === 'duplicate';
}

function keptHeaders(req: Request): Record<string, string> {
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = req.headers[name];
      return value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]];
    }),
  );
}
