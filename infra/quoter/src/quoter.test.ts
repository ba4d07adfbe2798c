import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { QUOTE_ANSWER, QUOTE_REQUEST, quoteAnswer, type QuoteRequest } from '@holdfast/shared/contracts/quotes';
import type { RunningServer } from '@holdfast/shared/http/app';
import { SIGNATURE_HEADER, signBody, verifyBody, type SigningKey } from '@holdfast/shared/http/body-signature';
import { newId } from '@holdfast/shared/ids';
import { demandPrice } from './demand-price.ts';
import { startQuoter } from './quoter.ts';

const CURRENT: SigningKey = { id: 'k2', secret: 'the current secret of the tests' };
const PREVIOUS: SigningKey = { id: 'k1', secret: 'the previous secret of the tests' };

let quoter: RunningServer;
let url: string;
beforeAll(async () => {
  quoter = await startQuoter({ host: '127.0.0.1', port: 0, keys: [CURRENT, PREVIOUS], quoteSeconds: 120 });
  url = `http://127.0.0.1:${quoter.port}`;
});
afterAll(() => quoter.stop());

const HOUR_MS = 3_600_000;
function aQuestion(overrides: Partial<QuoteRequest> = {}): QuoteRequest {
  const now = Date.now();
  return {
    version: 1,
    nonce: newId('req'),
    event: {
      id: newId('evt'),
      starts_at: new Date(now + 72 * HOUR_MS).toISOString(),
      ends_at: new Date(now + 74 * HOUR_MS).toISOString(),
    },
    currency: 'EUR',
    places: [{ category: 'standard', quantity: 2, seats: ['A-1', 'A-2'], list_amount: 4_500 }],
    demand: { capacity: 10, taken: 3 },
    asked_at: new Date(now).toISOString(),
    ...overrides,
  };
}

async function ask(question: object, key: SigningKey | null = CURRENT) {
  const body = JSON.stringify(question);
  const response = await fetch(`${url}/quotes`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === null ? {} : { [SIGNATURE_HEADER]: signBody(key, QUOTE_REQUEST, body) }),
    },
    body,
  });
  const text = await response.text();
  return { status: response.status, text, signature: response.headers.get(SIGNATURE_HEADER) ?? undefined };
}

describe('the reference quoter', () => {
  test('answers a signed question with a signed price for the very places', async () => {
    const question = aQuestion();
    const { status, text, signature } = await ask(question);
    expect(status).toBe(200);
    expect(verifyBody([CURRENT], QUOTE_ANSWER, text, signature)).toMatchObject({ keyId: 'k2' });
    // Five of ten places are taken with these two: a quarter on top.
    expect(quoteAnswer.parse(JSON.parse(text))).toMatchObject({
      nonce: question.nonce,
      event_id: question.event.id,
      valid: true,
      currency: 'EUR',
      places: [{ category: 'standard', quantity: 2, seats: ['A-1', 'A-2'], unit_amount: 5_625 }],
      expires_at: new Date(Date.parse(question.asked_at) + 120_000).toISOString(),
    });
  });

  test('takes questions that the previous secret signed, and no others', async () => {
    expect((await ask(aQuestion(), PREVIOUS)).status).toBe(200);
    expect((await ask(aQuestion(), null)).status).toBe(401);
    expect((await ask(aQuestion(), { id: 'k2', secret: 'of somebody else' })).status).toBe(401);
  });

  test('refuses a question that is none', async () => {
    expect((await ask({ nonce: 'x' })).status).toBe(422);
  });

  test('says that an event is over', async () => {
    const past = new Date(Date.now() - HOUR_MS).toISOString();
    const question = aQuestion();
    const { text } = await ask({ ...question, event: { ...question.event, starts_at: past, ends_at: past } });
    expect(JSON.parse(text)).toMatchObject({ valid: false, reason: 'over' });
  });

  test('says that an event was taken out of sale, until it is put back', async () => {
    const question = aQuestion();
    const path = `${url}/closed-events/${question.event.id}`;
    await fetch(path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"reason":"route_closed"}',
    });
    expect(JSON.parse((await ask(question)).text)).toMatchObject({ valid: false, reason: 'route_closed' });
    await fetch(path, { method: 'DELETE' });
    expect(JSON.parse((await ask(question)).text)).toMatchObject({ valid: true });
  });
});

describe('the price by demand', () => {
  const aDemand = { listAmount: 4_000, capacity: 100, taken: 0, hoursLeft: 100 };

  test.each([
    ['of an empty house is the list price', {}, 4_000],
    ['of half a house is a quarter more', { taken: 50 }, 5_000],
    ['of a full house is half as much again', { taken: 100 }, 6_000],
    ['falls over the last day for a house that stays empty', { hoursLeft: 12 }, 3_400],
    ['is lowest when the event has begun', { hoursLeft: -1 }, 2_800],
    ['does not fall when half of the house is sold', { taken: 50, hoursLeft: 1 }, 5_000],
    ['of what is free stays nothing', { listAmount: 0, taken: 100 }, 0],
  ])('%s', (_what, overrides, price) => {
    expect(demandPrice({ ...aDemand, ...overrides })).toBe(price);
  });

  test('never falls when more places are taken, and stays within its bounds', () => {
    fc.assert(
      fc.property(
        fc.record({
          listAmount: fc.integer({ min: 0, max: 10_000_000 }),
          capacity: fc.integer({ min: 1, max: 1_000 }),
          taken: fc.integer({ min: 0, max: 1_000 }),
          hoursLeft: fc.double({ min: -100, max: 1_000, noNaN: true }),
        }),
        (demand) => {
          const price = demandPrice(demand);
          expect(Number.isSafeInteger(price)).toBe(true);
          expect(demandPrice({ ...demand, taken: demand.taken + 1 })).toBeGreaterThanOrEqual(price);
          expect(price).toBeGreaterThanOrEqual(Math.floor(demand.listAmount * 0.7));
          expect(price).toBeLessThanOrEqual(Math.ceil(demand.listAmount * 1.5));
        },
      ),
    );
  });
});
