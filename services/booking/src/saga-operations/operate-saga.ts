import type { SagaJson } from '@holdfast/shared/contracts/sagas';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { isId, type BookingId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { recordAudit } from '../audit/record-audit.ts';
import type { BookingRow } from '../bookings/booking-row.ts';
import { lockBooking, readBooking } from '../bookings/booking-store.ts';
import { readSagas, type SagaRow } from '../checkout-saga/saga-store.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { toSagaJson } from './saga-json.ts';

export interface SagaOperation {
  readonly caller: SignedInCaller;
  readonly bookingId: string;
}

export interface LockedSaga {
  readonly id: BookingId;
  readonly row: BookingRow;
  readonly saga: SagaRow;
  readonly now: Date;
}

/**
 * Frame of what an operator does to a saga: locks inventory and booking, lets `act` change it, writes who did it and how it was before,
 * and answers the saga as it is then. One transaction. @throws Problem `not_found`, and what `act` refuses.
 */
export async function operateSaga(
  tx: Tx,
  operation: SagaOperation,
  what: { readonly action: 'retry' | 'compensate' | 'resolve'; readonly reason: string | null },
  act: (locked: LockedSaga) => Promise<void>,
): Promise<SagaJson> {
  const { bookingId: id, caller } = operation;
  if (!isId('bkg', id)) throw new Problem('not_found');
  const found = await readBooking(tx, { id }, null);
  if (!found) throw new Problem('not_found');
  await lockInventory(tx, [found.row]);
  const { row, now } = (await lockBooking(tx, id))!;
  const saga = (await readSagas(tx, [id])).get(id);
  if (!saga) throw new Problem('not_found');
  await act({ id, row, saga, now });
  const after = (await readSagas(tx, [id])).get(id)!;
  const json = toSagaJson(after, (await readBooking(tx, { id }, null))!.row, now);
  await recordAudit(tx, caller, what.action, toSagaJson(saga, row, now), json, what.reason);
  return json;
}
