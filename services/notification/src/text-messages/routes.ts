import { registerPhoneBody, verifyPhoneBody } from '@holdfast/shared/contracts/text-messages';
import { jsonBody, requireJson } from '@holdfast/shared/http/app';
import { requestIdOf, requireUser } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import { Router } from 'express';
import { forgetPhone, readPhone } from './manage-phone.ts';
import { registerPhone, type PhoneDeps } from './register-phone.ts';
import { verifyPhone } from './verify-phone.ts';

export interface PhoneRouteOptions extends PhoneDeps {
  /** Call after something became due. */
  readonly onDue: () => void;
}

const PHONE = '/v1/text-messages/phone';

/** The number to which the caller wants text messages. Expects requireAssertion in front. */
export function phoneRoutes(options: PhoneRouteOptions): Router {
  const router = Router();
  router.get(PHONE, async (req, res) => {
    res.json(await readPhone(options.pool, requireUser(req).userId));
  });
  router.post(PHONE, requireJson, jsonBody(), async (req, res) => {
    const { userId } = requireUser(req);
    const { phone } = parseBody(registerPhoneBody, req.body);
    res.status(202).json(await registerPhone(options, { userId, phone, requestId: requestIdOf(req) }));
    options.onDue();
  });
  router.post(`${PHONE}/verify`, requireJson, jsonBody(), async (req, res) => {
    const { code } = parseBody(verifyPhoneBody, req.body);
    res.json(await verifyPhone(options, requireUser(req).userId, code));
  });
  router.delete(PHONE, async (req, res) => {
    await forgetPhone(options.pool, requireUser(req).userId);
    res.status(204).end();
  });
  return router;
}
