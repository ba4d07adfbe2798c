import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  applyFact,
  canAttempt,
  refundRefusal,
  statusOf,
  type Announcement,
  type Fact,
  type PaymentState,
} from './payment.ts';

const money = { amount: 4_500n, currency: 'EUR' };

function payment(change: Partial<PaymentState> = {}): PaymentState {
  return {
    ...money,
    attempts: [{ number: 1, status: 'PENDING', charge: null }],
    capture: 'none',
    capturedAmount: 0n,
    refundedAmount: 0n,
    voidRequested: false,
    voidUnlessPaid: false,
    voided: false,
    mismatch: null,
    ...change,
  };
}

const authorised: Fact = { kind: 'authorised', ...money };
const captured: Fact = { kind: 'captured', ...money };
const declined: Fact = { kind: 'declined', reason: 'generic_decline', charge: 'ch_1' };
const processing: Fact = { kind: 'processing' };
const requiresAction: Fact = { kind: 'requires_action', redirectUrl: 'https://provider.test/3ds' };
const voided: Fact = { kind: 'voided' };
const unknown: Fact = { kind: 'unknown' };

/** Applies callbacks one after the other and collects what is announced. */
function play(
  start: PaymentState,
  facts: readonly Fact[],
  attempt: number | null = null,
): { state: PaymentState; announced: string[] } {
  let state = start;
  const announced: Announcement[] = [];
  for (const fact of facts) {
    const decision = applyFact(state, fact, attempt);
    if (decision.kind === 'already') continue;
    state = decision.state;
    if (decision.announce) announced.push(decision.announce);
  }
  return { state, announced: announced.map((each) => each.name) };
}

/** Every order of the items. */
function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

/** What can really happen at a provider to one attempt, in its real order. */
const HISTORIES: Record<string, Fact[]> = {
  'accepted and captured': [requiresAction, processing, authorised, captured],
  declined: [requiresAction, processing, declined],
  'authorised and given up': [requiresAction, processing, authorised, voided],
  'declined and given up': [processing, declined, voided],
  'given up before anything': [voided],
};

describe('callbacks in any order', () => {
  test.each(Object.keys(HISTORIES))('end where they end in order, in every order and repeated: %s', (name) => {
    const history = HISTORIES[name]!;
    const expected = play(payment({ capture: 'none' }), history).state;
    // Up to six events: each fact once, then again and again as far as there is room.
    const repeated = [...history, ...history, ...history].slice(0, Math.min(6, history.length * 3));
    for (const events of [...permutations(history), ...permutations(repeated)]) {
      expect(play(payment(), events).state).toEqual(expected);
    }
  });

  test('end alike with two attempts on one intent, whichever charge is told when', () => {
    const second: Fact = { kind: 'declined', reason: 'insufficient_funds', charge: 'ch_2' };
    const start = payment({
      attempts: [
        { number: 1, status: 'DECLINED', charge: 'ch_1' },
        { number: 2, status: 'PENDING', charge: null },
      ],
    });
    for (const events of permutations([declined, processing, second, declined])) {
      expect(play(start, events).state.attempts.map(({ status, charge }) => [status, charge])).toEqual([
        ['DECLINED', 'ch_1'],
        ['DECLINED', 'ch_2'],
      ]);
    }
    for (const events of permutations([declined, requiresAction, processing, authorised, captured])) {
      const { state, announced } = play(start, events);
      expect([statusOf(state), state.attempts[1]!.status]).toEqual(['CAPTURED', 'CAPTURED']);
      expect(announced.filter((each) => each === 'captured')).toHaveLength(1);
    }
  });

  test('announce no outcome twice, and none after the last word', () => {
    const fact = fc.constantFrom(requiresAction, processing, authorised, captured, declined, voided, unknown);
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 12 }), fc.boolean(), (facts, voidRequested) => {
        const { state, announced } = play(payment({ voidRequested }), facts);
        expect(new Set(announced).size).toBe(announced.length);
        expect(announced.filter((name) => ['captured', 'voided'].includes(name)).length).toBeLessThanOrEqual(1);
        // Money and its absence exclude each other.
        expect(state.voided && state.capturedAmount > 0n).toBe(false);
        if (voidRequested) expect(announced.every((name) => name === 'voided' || name === 'captured')).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('an attempt', () => {
  test('that is pending becomes unknown once', () => {
    expect(play(payment(), [unknown, unknown]).announced).toEqual(['unknown']);
  });

  test('whose outcome is processing does not fall back to unknown', () => {
    expect(play(payment(), [processing, unknown]).state.attempts[0]!.status).toBe('PROCESSING');
  });

  test('that is unknown takes the outcome that is found', () => {
    expect(play(payment(), [unknown, authorised]).announced).toEqual(['unknown', 'authorised']);
  });

  test('is not declined by a late callback about the card before it', () => {
    const state = payment({
      attempts: [
        { number: 1, status: 'DECLINED', charge: 'ch_1' },
        { number: 2, status: 'PENDING', charge: null },
      ],
    });
    expect(applyFact(state, declined, null)).toEqual({ kind: 'already' });
    expect(applyFact(state, { ...declined, charge: 'ch_2' } as Fact, null)).toMatchObject({
      attempt: 2,
      announce: { name: 'declined' },
    });
  });
});

describe('a capture', () => {
  const requested = payment({
    attempts: [{ number: 1, status: 'AUTHORIZED', charge: null }],
    capture: 'requested',
  });

  test('whose answer is lost shows as unknown until it is found', () => {
    const { state, announced } = play(requested, [unknown, unknown]);
    expect([statusOf(state), announced]).toEqual(['UNKNOWN', ['unknown']]);
    expect(statusOf(play(state, [captured]).state)).toBe('CAPTURED');
  });

  test('fails when the provider gave the authorisation up', () => {
    const { state, announced } = play(requested, [voided]);
    expect([statusOf(state), announced]).toEqual(['VOIDED', ['capture_failed']]);
  });

  test('fails once', () => {
    const failed: Fact = { kind: 'capture_failed', reason: 'amount_too_large' };
    expect(play(requested, [failed, failed]).announced).toEqual(['capture_failed']);
  });

  test('is told also to a saga that has given up, because the money has moved', () => {
    expect(play({ ...requested, voidRequested: true }, [captured, voided]).announced).toEqual(['captured']);
  });
});

describe('an outcome that is not about our money', () => {
  test.each([
    ['one more', { amount: 4_501n, currency: 'EUR' }],
    ['another currency', { amount: 4_500n, currency: 'USD' }],
    ['nothing', { amount: 0n, currency: 'EUR' }],
    ['less than nothing', { amount: -4_500n, currency: 'EUR' }],
  ])('is noted and never announced as money: %s', (_name, other) => {
    for (const kind of ['authorised', 'captured'] as const) {
      const { state, announced } = play(payment(), [{ kind, ...other }, authorised, captured]);
      expect(announced).toEqual(['unknown']);
      expect(statusOf(state)).toBe('UNKNOWN');
      expect(state.mismatch).toContain(kind);
      expect(state.capturedAmount).toBe(0n);
    }
  });

  test('can still be given up', () => {
    const { state } = play(payment(), [{ kind: 'authorised', amount: 1n, currency: 'EUR' }, voided]);
    expect(statusOf(state)).toBe('VOIDED');
  });
});

describe('another attempt', () => {
  test('is made only after every one before was declined', () => {
    const after = (status: PaymentState['attempts'][number]['status']) =>
      canAttempt(payment({ attempts: [{ number: 1, status, charge: null }] }));
    expect(after('DECLINED')).toBe(true);
    for (const status of ['PENDING', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED'] as const)
      expect(after(status)).toBe(false);
  });

  test('is not made on a payment that is given up', () => {
    const attempts = [{ number: 1, status: 'DECLINED' as const, charge: null }];
    expect(canAttempt(payment({ attempts, voidRequested: true }))).toBe(false);
  });
});

describe('refunds', () => {
  test('never sum up to more than was captured', () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 10_000n),
        fc.array(fc.bigInt(1n, 10_000n), { maxLength: 20 }),
        (capturedAmount, wishes) => {
          let reserved = 0n;
          for (const amount of wishes) {
            const refusal = refundRefusal({ capturedAmount, currency: 'EUR' }, reserved, { amount, currency: 'EUR' });
            expect(refusal === null).toBe(reserved + amount <= capturedAmount);
            if (refusal === null) reserved += amount;
          }
          expect(reserved <= capturedAmount).toBe(true);
        },
      ),
    );
  });

  test('are in the currency of the payment, and of money that was captured', () => {
    const wish = { amount: 1n, currency: 'USD' };
    expect(refundRefusal({ capturedAmount: 5n, currency: 'EUR' }, 0n, wish)).toBe('currency_differs');
    expect(refundRefusal({ capturedAmount: 0n, currency: 'USD' }, 0n, wish)).toBe('not_captured');
    expect(refundRefusal({ capturedAmount: 0n, currency: 'EUR' }, 0n, wish)).toBe('currency_differs');
  });

  test('show on the payment in part or in whole', () => {
    const state = payment({ capturedAmount: 10n });
    expect(statusOf({ ...state, refundedAmount: 9n })).toBe('PARTIALLY_REFUNDED');
    expect(statusOf({ ...state, refundedAmount: 10n })).toBe('REFUNDED');
  });
});
