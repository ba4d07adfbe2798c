import { dueMoney, keptMoney } from '@holdfast/shared/contracts/money-check';
import { signAssertion } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import type { ComputedInvariant } from '@holdfast/shared/integrity/invariant';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import { traceparentFrom } from '@holdfast/shared/telemetry/traceparent';
import type { Pool } from 'undici';
import { answerOf } from '../proxy/ask-service.ts';
import { differenceOfMoney, type MoneyDifference } from './money-rules.ts';

/** Each page is one short statement in each service. */
const LIMIT_MS = 2_000;
/** The newest 50,000 bookings that were paid for: older ones were looked at when they were new. */
const MOST_PAGES = 100;
/** More of them are one matter. */
const MOST_DIFFERENCES = 1_000;

export interface MoneyCheckDeps {
  readonly upstreams: Readonly<Record<'booking' | 'payment', Pool>>;
  readonly internalSecret: Secrets;
}

/**
 * G4 over both services: the bookings say what each may keep, the payments what was captured and refunded. Neither service can read
 * the other's tables, so the gateway asks both, a page at a time.
 */
export function moneyInvariant(deps: MoneyCheckDeps): ComputedInvariant {
  return {
    name: 'kept_money_is_due',
    description: 'captured minus refunded is what the booking may keep',
    every: 'hour',
    find: () => findDifferences(deps),
  };
}

async function findDifferences({ upstreams, internalSecret }: MoneyCheckDeps): Promise<MoneyDifference[]> {
  const found: MoneyDifference[] = [];
  let before: string | null = null;
  for (let page = 0; page < MOST_PAGES && found.length < MOST_DIFFERENCES; page++) {
    const assertion = ownAssertion(internalSecret);
    const query: string = before === null ? '' : `?before=${before}`;
    const due = await answerOf(
      upstreams.booking,
      { path: `/internal/money${query}`, assertion, limitMs: LIMIT_MS },
      dueMoney,
    );
    if (due.data.length > 0) {
      const body = { booking_ids: due.data.map(({ booking_id }) => booking_id) };
      const kept = await answerOf(
        upstreams.payment,
        { path: '/internal/money', method: 'POST', body, assertion, limitMs: LIMIT_MS },
        keptMoney,
      );
      const byBooking = new Map(kept.data.map((payment) => [payment.booking_id, payment]));
      found.push(...due.data.flatMap((each) => differenceOfMoney(each, byBooking.get(each.booking_id)) ?? []));
    }
    if (due.next === null) break;
    before = due.next;
  }
  return found;
}

/** The gateway asks in its own name: there is a role, and nobody. */
function ownAssertion(secrets: Secrets): string {
  return signAssertion(secrets, {
    ...{ userId: null, role: 'operator', email: null, name: null, address: '127.0.0.1' },
    requestId: newId('req'),
    traceparent: traceparentFrom(undefined),
  });
}
