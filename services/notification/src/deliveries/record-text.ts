import type { Tx } from '@holdfast/shared/db/transaction';
import type { RequestId, UserId } from '@holdfast/shared/ids';
import { findVerifiedPhone } from '../text-messages/manage-phone.ts';
import type { Notice } from './delivery.ts';
import { insertDelivery } from './delivery-store.ts';

/** Writes what a mail tells as a text message too, for whoever has verified a number. Returns whether something is due. */
export async function recordText(
  tx: Tx,
  notice: Notice,
  event: { readonly id: string; readonly traceparent: string | null },
): Promise<boolean> {
  const phone = await findVerifiedPhone(tx, notice.booking.user_id);
  if (phone === null) return false;
  return insertDelivery(tx, {
    eventId: event.id,
    channel: 'sms',
    recipient: phone,
    notice,
    bookingId: notice.booking.booking_id,
    userId: notice.booking.user_id,
    traceparent: event.traceparent,
  });
}

/** Writes the text message with a code, which is due at once. */
export async function recordPhoneCode(
  tx: Tx,
  code: { userId: UserId; phone: string; sealedCode: string; expiresAt: Date; requestId: RequestId },
): Promise<void> {
  await insertDelivery(tx, {
    eventId: code.requestId,
    channel: 'sms',
    recipient: code.phone,
    notice: {
      kind: 'phone_code',
      phone_code: { sealed_code: code.sealedCode, expires_at: code.expiresAt.toISOString() },
    },
    bookingId: null,
    userId: code.userId,
    traceparent: null,
  });
}
