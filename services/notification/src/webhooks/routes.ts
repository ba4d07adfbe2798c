import {
  changeWebhookEndpointBody,
  createWebhookEndpointBody,
  emptyBody,
  webhookAttemptListQuery,
  webhookEndpointListQuery,
} from '@holdfast/shared/contracts/webhooks';
import { jsonBody, requireJson } from '@holdfast/shared/http/app';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { isId, type Id, type IdPrefix } from '@holdfast/shared/ids';
import { optionalScope } from '@holdfast/shared/idempotency/optional-scope';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { Problem } from '@holdfast/shared/problems';
import { Router, type Request } from 'express';
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  listEndpoints,
  readEndpoint,
  rotateSecret,
  withSecret,
  type EndpointDeps,
} from './manage-endpoint.ts';
import { listAttempts, resendAttempt, testEndpoint } from './send-again.ts';

export interface WebhookRouteOptions extends EndpointDeps {
  /** Call after something became due. */
  readonly onDue: () => void;
}

const BASE = '/v1/webhook-endpoints';

/** Outbound webhooks, for administrators. Expects requireAssertion in front. */
export function webhookRoutes(options: WebhookRouteOptions): Router {
  const { pool, sealer, onDue } = options;
  const router = Router();
  router.use(BASE, (req, _res, next) => {
    requireRole(req, 'admin');
    next();
  });
  router.post(BASE, requireJson, jsonBody(), async (req, res) => {
    const body = parseBody(createWebhookEndpointBody, req.body);
    const result = await createEndpoint(options, body, scopeOf(req, body), requireRole(req, 'admin'));
    sendStored(res, result, withSecret(sealer, result.answer.body));
  });
  router.get(BASE, async (req, res) => {
    res.json(await listEndpoints(pool, parseQuery(webhookEndpointListQuery, req.query)));
  });
  router.get(`${BASE}/:id`, async (req, res) => {
    res.json(await readEndpoint(pool, idIn(req, 'id', 'whk')));
  });
  router.patch(`${BASE}/:id`, requireJson, jsonBody(), async (req, res) => {
    const id = idIn(req, 'id', 'whk');
    res.json(
      await changeEndpoint(options, id, parseBody(changeWebhookEndpointBody, req.body), requireRole(req, 'admin')),
    );
  });
  router.delete(`${BASE}/:id`, async (req, res) => {
    await deleteEndpoint(options, idIn(req, 'id', 'whk'), requireRole(req, 'admin'));
    res.status(204).end();
  });
  router.post(`${BASE}/:id/rotate-secret`, requireJson, jsonBody(), async (req, res) => {
    const id = idIn(req, 'id', 'whk');
    const result = await rotateSecret(
      options,
      id,
      scopeOf(req, parseBody(emptyBody, req.body)),
      requireRole(req, 'admin'),
    );
    sendStored(res, result, withSecret(sealer, result.answer.body));
  });
  router.post(`${BASE}/:id/test`, requireJson, jsonBody(), async (req, res) => {
    const { userId } = requireRole(req, 'admin');
    const endpointId = idIn(req, 'id', 'whk');
    const scope = scopeOf(req, parseBody(emptyBody, req.body));
    sendStored(res, await testEndpoint(pool, { endpointId, userId, scope }));
    onDue();
  });
  router.get(`${BASE}/:id/attempts`, async (req, res) => {
    const query = parseQuery(webhookAttemptListQuery, req.query);
    res.json(await listAttempts(pool, idIn(req, 'id', 'whk'), query));
  });
  router.post(`${BASE}/:id/attempts/:attempt_id/resend`, requireJson, jsonBody(), async (req, res) => {
    const endpointId = idIn(req, 'id', 'whk');
    const attemptId = idIn(req, 'attempt_id', 'att');
    const scope = scopeOf(req, parseBody(emptyBody, req.body));
    sendStored(res, await resendAttempt(pool, { endpointId, attemptId, scope }));
    onDue();
  });
  return router;
}

/** The scope of a key that may be left out. */
const scopeOf = (req: Request, body: object) => optionalScope(req, requireRole(req, 'admin').userId, body);

function idIn<P extends IdPrefix>(req: Request, name: string, prefix: P): Id<P> {
  const id = req.params[name];
  if (!isId(prefix, id)) throw new Problem('not_found');
  return id;
}
