import { accountEvents } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import type { z } from 'zod';
import type { AccountNotice } from './delivery.ts';
import { insertDelivery } from './delivery-store.ts';

/**
 * Writes down what is to be told about an event of family `account`; sending is the driver's. Names that this version does not know
 * leave no row. Returns whether something is due now. @throws PermanentMessageError when the event's data is not what its contract says.
 */
export async function recordAccountDelivery(tx: Tx, event: IncomingEvent): Promise<boolean> {
  const notice = accountNoticeOf(event);
  if (!notice) return false;
  return insertDelivery(tx, {
    eventId: event.id,
    channel: 'email',
    recipient: notice.account.contact.email,
    notice,
    bookingId: null,
    userId: notice.account.user_id,
    traceparent: event.traceparent,
  });
}

function accountNoticeOf(event: IncomingEvent): AccountNotice | null {
  switch (event.name) {
    case 'email_verification_requested':
      return { kind: 'verify_email', account: checked(accountEvents.email_verification_requested, event) };
    case 'password_reset_requested':
      return { kind: 'reset_password', account: checked(accountEvents.password_reset_requested, event) };
    case 'password_changed':
      return { kind: 'password_changed', account: checked(accountEvents.password_changed, event) };
    default:
      return null;
  }
}

function checked<S extends z.ZodType>(schema: S, event: IncomingEvent): z.output<S> {
  const result = schema.safeParse(event.data);
  if (result.success) return result.data;
  // The issues name fields, not values: the error is kept and shown.
  throw new PermanentMessageError(`data of account.${event.name} breaks its contract: ${result.error.message}`);
}
