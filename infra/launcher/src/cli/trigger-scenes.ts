/** Something that happens to a booking, played against the provider simulator. */
export interface Scene {
  readonly shows: string;
  /** A payment method of the simulator: infra/provider-simulator/README.md. */
  readonly method: string;
  /** The booking's state at the end. */
  readonly ends: 'CONFIRMED' | 'HELD' | 'PAYMENT_INITIATED' | 'CANCELLED';
  /** Whether the customer cancels once it is confirmed. */
  readonly cancels?: boolean;
  /** Whether a mail is sent. */
  readonly mails: boolean;
}

export const SCENES: Readonly<Record<string, Scene>> = {
  booking: {
    shows: 'a booking that is held, paid and confirmed',
    method: 'pm_card_visa',
    ends: 'CONFIRMED',
    mails: true,
  },
  decline: {
    shows: 'a card that is declined; the hold stays',
    method: 'pm_card_chargeDeclined',
    ends: 'HELD',
    mails: false,
  },
  action: {
    ...{ shows: "a card that wants its owner's word on the provider's page", method: 'pm_card_authenticationRequired' },
    ...{ ends: 'PAYMENT_INITIATED', mails: false },
  },
  'late-callback': {
    ...{
      shows: 'an outcome that comes by callback, 4 s after the customer was answered',
      method: 'pm_sim_webhook_only_4000',
    },
    ...{ ends: 'CONFIRMED', mails: true },
  },
  'no-callback': {
    ...{ shows: 'an outcome that is never called back, and is found by asking', method: 'pm_sim_webhook_never' },
    ...{ ends: 'CONFIRMED', mails: true },
  },
  'lost-answer': {
    ...{ shows: 'a call that the provider carried out and whose answer was lost', method: 'pm_sim_timeout_applied' },
    ...{ ends: 'CONFIRMED', mails: true },
  },
  'duplicate-callback': {
    ...{ shows: 'callbacks that come twice and take effect once', method: 'pm_sim_webhook_duplicate' },
    ...{ ends: 'CONFIRMED', mails: true },
  },
  refund: {
    ...{ shows: 'a confirmed booking that is cancelled and paid back', method: 'pm_card_visa', cancels: true },
    ...{ ends: 'CANCELLED', mails: true },
  },
};
