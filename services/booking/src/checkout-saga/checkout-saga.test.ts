import { describe, expect, test } from '@jest/globals';
import {
  AWAITING,
  IGNORE,
  NOTE,
  SAGA_MESSAGES,
  SAGA_STATES,
  decide,
  resendAfterSeconds,
  type SagaState,
  type SagaStep,
} from './checkout-saga.ts';

const cells = SAGA_STATES.flatMap((state) =>
  SAGA_MESSAGES.map((message) => ({ state, message, decision: decide(state, message) })),
);
const steps = cells.flatMap(({ state, message, decision }) =>
  decision === IGNORE || decision === NOTE ? [] : [{ state, message, step: decision }],
);

describe('every cell of the table', () => {
  test('is decided', () => {
    expect(cells).toHaveLength(SAGA_STATES.length * SAGA_MESSAGES.length);
    for (const { decision } of cells) expect(decision).toBeDefined();
  });

  test.each(steps)('$state on $message: a command is sent only into a state that waits for its answer', ({ step }) => {
    if (step.command) expect(AWAITING[step.next]).toBe(step.command);
    if (step.next === 'CAPTURING') expect(step.command).toBe('capture');
  });

  test.each(steps)(
    '$state on $message: nothing is captured that is not pinned, and the undo is on record with the step',
    ({ step }) => {
      if (step.command === 'capture') {
        expect(step.pin).toBe(true);
        expect(step.undo).toBe('refund');
      }
    },
  );

  test.each(steps)(
    '$state on $message: claims are booked with CONFIRMED and released with the end of a booking',
    ({ message, step }) => {
      const last = step.booking?.at(-1);
      if (last === 'CONFIRMED') expect(step.claims).toBe(message === 'captured_late' ? 'rebook' : 'book');
      if (last === 'PAYMENT_INITIATED') expect(step.claims).toBe('retake');
      if (last === 'CANCELLED' || last === 'EXPIRED' || last === 'FAILED') expect(step.claims).toBe('release');
      if (last === 'HELD' || last === undefined || last === 'REFUNDED') expect(step.claims).toBeUndefined();
    },
  );

  test.each(steps)(
    '$state on $message: whoever gives up with money possibly under way asks for it back',
    ({ state, step }) => {
      const givesUp = step.claims === 'release';
      const moneyUnderWay = state === 'AUTHORISING' || state === 'CAPTURING' || state === 'CONFIRMED';
      // FAILED: the provider has nothing. CLOSED: the policy keeps everything.
      if (givesUp && moneyUnderWay && step.next !== 'FAILED' && step.next !== 'CLOSED') {
        const lapses = step.booking?.at(-1) === 'EXPIRED';
        const taken = step.booking?.includes('PAID') || state === 'CONFIRMED';
        expect(step.command).toBe(taken ? 'refund' : lapses ? 'lapse' : 'void');
      }
    },
  );
});

test('money that was captured after all is given back from every state in which the booking does not stand', () => {
  for (const state of ['FAILED', 'LAPSING', 'VOIDING', 'VOIDED'] satisfies SagaState[]) {
    expect(decide(state, 'captured')).toMatchObject({
      next: 'REFUNDING',
      command: 'refund',
    } satisfies Partial<SagaStep>);
  }
});

test('money that comes after the hold ran out takes the places again, pinned, wherever it can still come', () => {
  for (const state of ['FAILED', 'LAPSING'] satisfies SagaState[]) {
    expect(decide(state, 'authorised_late')).toMatchObject({ next: 'CAPTURING', pin: true, claims: 'retake' });
  }
  for (const state of ['FAILED', 'LAPSING', 'VOIDING', 'VOIDED'] satisfies SagaState[]) {
    expect(decide(state, 'captured_late')).toMatchObject({ next: 'CONFIRMED', pin: true, claims: 'rebook' });
  }
});

test('money of another amount is never acted on: wherever an outcome counts, it is for a person to look at', () => {
  for (const state of SAGA_STATES) {
    const counts = (['authorised', 'captured'] as const).some((message) => typeof decide(state, message) === 'object');
    if (counts) expect({ state, step: decide(state, 'amount_differs') }).toMatchObject({ step: { next: 'STUCK' } });
  }
});

test('a message that comes twice changes nothing the second time', () => {
  // These come for a booking that is live, and end that.
  const once = ['hold_expired', 'cancelled'];
  for (const { message, step } of steps.filter((each) => !once.includes(each.message))) {
    const again = decide(step.next, message);
    const harmless = again === IGNORE || again === NOTE || (typeof again === 'object' && again.next !== step.next);
    expect({ message, next: step.next, harmless }).toMatchObject({ harmless: true });
  }
});

test('asking again waits 15, 30, then 60 seconds', () => {
  expect([0, 1, 2, 3, 20].map(resendAfterSeconds)).toEqual([15, 30, 60, 60, 60]);
});
