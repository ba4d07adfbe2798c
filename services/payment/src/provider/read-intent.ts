import type { Fact } from '../payments/payment.ts';
import type { Intent } from './provider.ts';

/**
 * What an intent tells about its latest attempt, or null when it tells nothing. A failure without a charge is left out: it cannot
 * be told from the failure of an earlier attempt on the same intent.
 */
export function factOf(intent: Intent): Fact | null {
  switch (intent.status) {
    case 'authorised':
      return { kind: 'authorised', amount: intent.amountCapturable, currency: intent.currency };
    case 'captured':
      return { kind: 'captured', amount: intent.amountCaptured, currency: intent.currency, fee: intent.fee };
    case 'canceled':
      return { kind: 'voided' };
    case 'processing':
      return { kind: 'processing' };
    case 'requires_action':
      return intent.redirectUrl === null
        ? { kind: 'processing' }
        : { kind: 'requires_action', redirectUrl: intent.redirectUrl };
    case 'open':
      return intent.failure?.charge
        ? { kind: 'declined', reason: intent.failure.reason, charge: intent.failure.charge }
        : null;
    default:
      return intent.status satisfies never;
  }
}
