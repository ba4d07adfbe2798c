import { describe, expect, test } from '@jest/globals';
import { isLost, type DeliveryEvidence } from './lost-message.ts';

const evidence = (over: Partial<DeliveryEvidence> = {}): DeliveryEvidence => ({
  epoch: 1,
  stream: { created: 'then', firstSeq: 10, lastSeq: 100 },
  consumer: { deliveredSeq: 60, ackFloor: 50, open: 40 },
  ...over,
});

describe('an event that its consumer lacks', () => {
  const message = { streamSeq: 70n, epoch: 1 };

  test('is on its way while the stream holds it and the consumer has not come so far', () => {
    expect(isLost(message, evidence())).toBe(false);
    expect(isLost({ ...message, streamSeq: 51n }, evidence())).toBe(false);
    expect(isLost({ ...message, streamSeq: 100n }, evidence())).toBe(false);
  });

  test('is lost when the stream lost its store since', () => {
    expect(isLost(message, evidence({ epoch: 2 }))).toBe(true);
  });

  test('is lost when its place is before or behind what the stream holds', () => {
    expect(isLost({ ...message, streamSeq: 9n }, evidence())).toBe(true);
    expect(isLost({ ...message, streamSeq: 101n }, evidence())).toBe(true);
  });

  test('is lost when the consumer acknowledged everything up to its place', () => {
    expect(isLost({ ...message, streamSeq: 50n }, evidence())).toBe(true);
  });

  test('is lost when the consumer has nothing left to come', () => {
    expect(isLost(message, evidence({ consumer: { deliveredSeq: 60, ackFloor: 60, open: 0 } }))).toBe(true);
  });
});
