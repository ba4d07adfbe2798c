import type { SagaJson, sagaListQuery } from '@holdfast/shared/contracts/sagas';
import type { Pool } from '@holdfast/shared/db/pool';
import { decodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';
import { decodeTimeCursor } from '../bookings/time-cursor.ts';
import { readBooking } from '../bookings/booking-store.ts';
import { listSagas, readSagas } from '../checkout-saga/saga-store.ts';
import { toSagaJson } from './saga-json.ts';

/** Sagas by when they last changed, the latest first; `stuck` are those that are STUCK or past their deadline. */
export async function listSagasFor(pool: Pool, query: z.output<typeof sagaListQuery>): Promise<Page<SagaJson>> {
  const rows = await listSagas(pool, {
    state: query.state ?? null,
    stuck: query.stuck === undefined ? null : query.stuck === 'true',
    after: decodeTimeCursor(decodeCursor(query.cursor, 2)),
    limit: query.limit,
  });
  return toPage(
    rows,
    query.limit,
    (row) => toSagaJson(row, row, row.now),
    (row) => [row.cursor_at, row.booking_id],
  );
}

/** The saga of one booking. @throws Problem `not_found`. */
export async function readSagaOf(pool: Pool, id: string): Promise<SagaJson> {
  if (!isId('bkg', id)) throw new Problem('not_found');
  const booking = await readBooking(pool, { id }, null);
  const saga = booking && (await readSagas(pool, [id])).get(id);
  if (!booking || !saga) throw new Problem('not_found');
  return toSagaJson(saga, booking.row, booking.now);
}
