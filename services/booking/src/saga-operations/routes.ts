import { optionalScope } from '@holdfast/shared/idempotency/optional-scope';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { Router, type Request, type Response } from 'express';
import {
  compensateSagaBody,
  resolveSagaBody,
  retrySagaBody,
  sagaListQuery,
  type SagaJson,
} from '@holdfast/shared/contracts/sagas';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { answerOnce } from '@holdfast/shared/idempotency/answer-once';
import type { BookingId } from '@holdfast/shared/ids';
import type { BookingWatch } from '../bookings/booking-watch.ts';
import { compensateSaga } from './compensate-saga.ts';
import type { SagaOperation } from './operate-saga.ts';
import { listSagasFor, readSagaOf } from './read-sagas.ts';
import { resolveSaga } from './resolve-saga.ts';
import { retrySaga } from './retry-saga.ts';

export interface SagaRoutesDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
}

/** Checkouts as operators see and help them, to be mounted at /v1. */
export function sagaRoutes(deps: SagaRoutesDeps): Router {
  const router = Router();

  router.get('/ops/sagas', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await listSagasFor(deps.pool, parseQuery(sagaListQuery, req.query)));
  });
  router.get('/ops/sagas/:booking_id', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await readSagaOf(deps.pool, req.params.booking_id));
  });

  router.post('/ops/sagas/:booking_id/retry', async (req, res) => {
    const body = parseBody(retrySagaBody, req.body);
    await act(req, res, body, (tx, operation) => retrySaga(tx, operation));
  });
  router.post('/ops/sagas/:booking_id/compensate', async (req, res) => {
    const body = parseBody(compensateSagaBody, req.body);
    await act(req, res, body, (tx, operation) => compensateSaga(tx, { ...operation, ...body }));
  });
  router.post('/ops/sagas/:booking_id/resolve', async (req, res) => {
    const body = parseBody(resolveSagaBody, req.body);
    await act(req, res, body, (tx, operation) => resolveSaga(tx, { ...operation, ...body }));
  });

  async function act(
    req: Request,
    res: Response,
    body: object,
    work: (tx: Tx, operation: SagaOperation) => Promise<SagaJson>,
  ): Promise<void> {
    const caller = requireRole(req, 'operator', 'admin');
    const bookingId = String(req.params['booking_id']);
    const result = await answerOnce(deps.pool, optionalScope(req, caller.userId, body), async (tx) => ({
      status: 200,
      headers: {},
      body: JSON.stringify(await work(tx, { caller, bookingId })),
    }));
    deps.onCommit();
    deps.watch.changed(bookingId as BookingId);
    sendStored(res, result);
  }

  return router;
}
