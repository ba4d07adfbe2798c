import type { accountEvents, bookingEvents } from '@holdfast/shared/contracts/events';
import type { WebhookPayload } from '@holdfast/shared/contracts/webhooks';
import type { BookingId, Id, UserId } from '@holdfast/shared/ids';
import type { z } from 'zod';

export type DeliveryId = Id<'dlv'>;
export type DeliveryState = 'DUE' | 'SENDING' | 'WAITING' | 'SENT' | 'DEAD' | 'DROPPED';
export type ChannelName = 'email' | 'sms' | 'webhook';

/**
 * What a message tells, with everything it needs to say it. An EXPIRED hold is no notice: it was never paid, its countdown stood on
 * the customer's screen, and a mail about something that was not bought is noise. One of the waitlist or of a series is: its countdown
 * was in a mail.
 */
export type Notice =
  | { readonly kind: 'confirmed'; readonly booking: z.output<(typeof bookingEvents)['confirmed']> }
  | {
      readonly kind: 'cancelled';
      /** `calendar_entry`: a mail had one for the customer's calendar. Notices from before it was kept do not say. */
      readonly booking: z.output<(typeof bookingEvents)['cancelled']> & { readonly calendar_entry?: boolean };
    }
  | { readonly kind: 'rescheduled'; readonly booking: z.output<(typeof bookingEvents)['rescheduled']> }
  | { readonly kind: 'failed'; readonly booking: z.output<(typeof bookingEvents)['failed']> }
  | { readonly kind: 'waitlist_offer'; readonly booking: z.output<(typeof bookingEvents)['offered']> }
  | { readonly kind: 'waitlist_over'; readonly booking: z.output<(typeof bookingEvents)['cancelled' | 'expired']> }
  | { readonly kind: 'payment_due'; readonly booking: z.output<(typeof bookingEvents)['payment_due']> }
  | { readonly kind: 'occurrence_lost'; readonly booking: z.output<(typeof bookingEvents)['failed']> }
  | { readonly kind: 'occurrence_lapsed'; readonly booking: z.output<(typeof bookingEvents)['expired']> };

/** What a message tells about an account. Tokens in it are sealed: only the mail shows them. */
export type AccountNotice =
  | {
      readonly kind: 'verify_email';
      readonly account: z.output<(typeof accountEvents)['email_verification_requested']>;
    }
  | { readonly kind: 'reset_password'; readonly account: z.output<(typeof accountEvents)['password_reset_requested']> }
  | { readonly kind: 'password_changed'; readonly account: z.output<(typeof accountEvents)['password_changed']> };

/** What an endpoint is told; `kind` is the type of the event. */
export interface WebhookNotice {
  readonly kind: string;
  readonly webhook: WebhookPayload;
}

/** A code that shows that a number is the customer's; sealed, only the text message shows it. */
export interface PhoneCodeNotice {
  readonly kind: 'phone_code';
  readonly phone_code: { readonly sealed_code: string; readonly expires_at: string };
}

export type AnyNotice = Notice | AccountNotice | WebhookNotice | PhoneCodeNotice;

/** The data of a notice, as the table keeps it. */
export function dataOf(
  notice: AnyNotice,
): Notice['booking'] | AccountNotice['account'] | WebhookPayload | PhoneCodeNotice['phone_code'] {
  if ('webhook' in notice) return notice.webhook;
  if ('phone_code' in notice) return notice.phone_code;
  return 'booking' in notice ? notice.booking : notice.account;
}

/** The notice again. */
export function toNotice(channel: ChannelName, kind: string, data: unknown): AnyNotice {
  if (channel === 'webhook') return { kind, webhook: data as WebhookPayload };
  if (kind === 'phone_code') return { kind, phone_code: data as PhoneCodeNotice['phone_code'] };
  const isAboutAccount = (ACCOUNT_KINDS as readonly string[]).includes(kind);
  return (isAboutAccount ? { kind, account: data } : { kind, booking: data }) as Notice | AccountNotice;
}

const ACCOUNT_KINDS = ['verify_email', 'reset_password', 'password_changed'] satisfies AccountNotice['kind'][];

/** A delivery whose lease this process holds. */
export interface LeasedDelivery {
  readonly id: DeliveryId;
  readonly eventId: string;
  /** Null for a message about an account. */
  readonly bookingId: BookingId | null;
  readonly userId: UserId;
  readonly channel: ChannelName;
  readonly recipient: string;
  readonly notice: AnyNotice;
  readonly traceparent: string | null;
  /** Attempts begun so far, this one included. */
  readonly attempts: number;
  readonly retrySeq: number;
  readonly leaseId: Id<'att'>;
  /** When the event became known here; a mail's Date must not change from one attempt to the next. */
  readonly createdAt: Date;
}

/** Why an attempt did not deliver. `permanent` says that the receiving side has refused for good. */
export interface SendFailure {
  readonly permanent: boolean;
  readonly reason: string;
  /** The pause that the receiving side asked for, in ms. */
  readonly retryAfterMs?: number;
}

export type NextStep =
  | { readonly step: 'retry'; readonly afterAttempt: number }
  | { readonly step: 'give_up'; readonly cause: 'permanent' | 'attempts_exhausted' };

/** What follows a failed attempt. */
export function afterFailure(attempts: number, maxAttempts: number, failure: SendFailure): NextStep {
  if (failure.permanent) return { step: 'give_up', cause: 'permanent' };
  if (attempts >= maxAttempts) return { step: 'give_up', cause: 'attempts_exhausted' };
  return { step: 'retry', afterAttempt: attempts };
}

/** Whether an attempt may begin. False after attempts that all ended with their process: nobody was left to count them as failures. */
export function mayAttempt(attempts: number, maxAttempts: number): boolean {
  return attempts <= maxAttempts;
}
