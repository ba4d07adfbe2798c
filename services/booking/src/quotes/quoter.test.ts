import { afterEach, describe, expect, test } from '@jest/globals';
import type { QuoteRequest } from '@holdfast/shared/contracts/quotes';
import { createPool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { QUOTE_ANSWER, QUOTE_REQUEST } from '@holdfast/shared/contracts/quotes';
import { SIGNATURE_HEADER, signBody } from '@holdfast/shared/http/body-signature';
import { newId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase } from '@holdfast/shared/testing/test-database';
import {
  CURRENT,
  priced,
  PREVIOUS,
  RawAnswer,
  signed,
  startTestQuoter,
  type QuoterBehaviour,
  type TestQuoter,
} from '../testing/test-quoter.ts';

let quoter: TestQuoter;
afterEach(() => quoter.stop());

function aQuestion(): QuoteRequest {
  return {
    version: 1,
    nonce: newId('req'),
    event: { id: newId('evt'), starts_at: '2030-01-04T18:00:00Z', ends_at: '2030-01-04T20:00:00Z' },
    currency: 'EUR',
    places: [{ category: 'standard', quantity: 2, seats: ['A-1', 'A-2'], list_amount: 4_500 }],
    demand: { capacity: 10, taken: 3 },
    asked_at: new Date().toISOString(),
  };
}

/** What the client makes of an answer. */
async function ask(behaviour: QuoterBehaviour, timeoutMs = 1_000) {
  quoter = await startTestQuoter();
  quoter.behave(behaviour);
  return quoter.quoter.ask(aQuestion(), timeoutMs);
}

describe('an answer of the quoter', () => {
  test('that is signed and fits the question is a quote, with the evidence', async () => {
    const answer = await ask((request) => priced(request, 5_200));
    expect(answer).toMatchObject({
      kind: 'quote',
      quote: {
        currency: 'EUR',
        places: [{ category: 'standard', quantity: 2, seats: ['A-1', 'A-2'], unitAmount: 5_200n }],
        signed: { keyId: 'k2' },
      },
    });
    const { signed: evidence } = (answer as { quote: { signed: { body: string; signature: string } } }).quote;
    expect(signBody(CURRENT, QUOTE_ANSWER, evidence.body)).toBe(`key_id=k2,v1=${evidence.signature}`);
  });

  test('may be signed with the previous secret', async () => {
    const answer = await ask((request) => signed(JSON.stringify(priced(request, 1)), PREVIOUS));
    expect(answer).toMatchObject({ kind: 'quote', quote: { signed: { keyId: 'k1' } } });
  });

  test('may say that the event is not offered any more', async () => {
    const answer = await ask(({ nonce, event }) => ({ nonce, event_id: event.id, valid: false, reason: 'moved' }));
    expect(answer).toEqual({ kind: 'not_offered', reason: 'moved' });
  });

  test.each<[string, string, QuoterBehaviour]>([
    ['without a signature', 'signature', (request) => new RawAnswer(200, JSON.stringify(priced(request, 1)))],
    [
      'with a signature of nobody',
      'signature',
      (request) => signed(JSON.stringify(priced(request, 1)), { id: 'k2', secret: 'another secret' }),
    ],
    [
      'with a key that we do not know',
      'signature',
      (request) => signed(JSON.stringify(priced(request, 1)), { id: 'k9', secret: CURRENT.secret }),
    ],
    [
      'that was changed on the way',
      'signature',
      (request) => {
        const { body, headers } = signed(JSON.stringify(priced(request, 5_200)));
        return new RawAnswer(200, body.replace('5200', '0001'), headers);
      },
    ],
    [
      'that is our own question, sent back',
      'signature',
      (_request, { body, signature }) => new RawAnswer(200, body, { [SIGNATURE_HEADER]: signature! }),
    ],
    ['that is no JSON', 'malformed', () => signed('<html>')],
    ['that is null', 'malformed', () => signed('null')],
    ['of another question', 'malformed', (request) => priced(request, 1, { nonce: 'an old one, replayed' })],
    ['about another event', 'malformed', (request) => priced(request, 1, { event_id: newId('evt') })],
    ['with half a cent', 'malformed', (request) => priced(request, 0.5)],
    ['with a negative price', 'malformed', (request) => priced(request, -1)],
    ['with a price beyond reason', 'malformed', (request) => priced(request, 100_000_000_001)],
    ['with a price as text', 'malformed', (request) => priced(request, '5200' as unknown as number)],
    ['that says nothing of validity', 'malformed', (request) => priced(request, 1, { valid: undefined })],
    ['with a time without a zone', 'malformed', (request) => priced(request, 1, { expires_at: '2030-01-01T00:00:00' })],
    ['of more than 256 KiB', 'malformed', () => signed(' '.repeat(256 * 1024 + 1))],
    ['500', 'status', () => new RawAnswer(500, '')],
    ['that leads elsewhere', 'status', () => new RawAnswer(307, '', { location: 'http://127.0.0.1:9/' })],
    ['that is cut off', 'unreachable', () => 'reset'],
  ])('%s is none', async (_what, why, behaviour) => {
    expect(await ask(behaviour)).toEqual({ kind: 'none', why });
  });

  test.each<[string, QuoterBehaviour]>([
    ['does not come', () => 'silence'],
    ['begins and does not end', () => 'trickle'],
  ])('that %s is none after the time limit', async (_what, behaviour) => {
    const from = performance.now();
    expect(await ask(behaviour, 100)).toEqual({ kind: 'none', why: 'timeout' });
    expect(performance.now() - from).toBeLessThan(1_000);
  });
});

test('a quoter that is not there is left alone after ten failures', async () => {
  quoter = await startTestQuoter({ url: 'http://127.0.0.1:9/' });
  for (let each = 0; each < 10; each += 1) {
    expect(await quoter.quoter.ask(aQuestion(), 1_000)).toEqual({ kind: 'none', why: 'unreachable' });
  }
  expect(await quoter.quoter.ask(aQuestion(), 1_000)).toEqual({ kind: 'none', why: 'circuit_open' });
  expect(quoter.quoter.state()).toBe('open');
});

test('refusals of the quoter are answers: its circuit stays closed', async () => {
  quoter = await startTestQuoter();
  quoter.behave(({ nonce, event }) => ({ nonce, event_id: event.id, valid: false, reason: 'sold_elsewhere' }));
  for (let each = 0; each < 12; each += 1) await quoter.quoter.ask(aQuestion(), 1_000);
  expect([quoter.quoter.state(), quoter.asked.length]).toEqual(['closed', 12]);
});

test('the quoter is never asked inside a transaction', async () => {
  quoter = await startTestQuoter();
  const database = await createTestDatabase();
  const logger = createLogger({ service: 'booking-test', level: 'silent' });
  const pool = createPool({
    connectionString: database.url('booking'),
    schema: 'booking',
    logger,
    applicationName: 't',
  });
  await expect(withTransaction(pool, () => quoter.quoter.ask(aQuestion(), 100))).rejects.toThrow(
    'inside a database transaction',
  );
  await pool.end();
  await database.drop();
});

test('a question is signed, so that the quoter knows who asks', async () => {
  let header: string | undefined;
  let body = '';
  const answer = await ask((request, raw) => {
    ({ signature: header, body } = raw);
    return priced(request, 1);
  });
  expect(answer.kind).toBe('quote');
  expect(header).toBe(signBody(CURRENT, QUOTE_REQUEST, body));
});

test('the keys are asked for each time: a question after a change is signed with the next one', async () => {
  const next = { id: 'next', secret: 'the-next-secret-of-the-quoter' };
  let keys = [CURRENT];
  quoter = await startTestQuoter({ keys: () => keys });
  const signatures: (string | undefined)[] = [];
  quoter.behave((request, raw) => {
    signatures.push(raw.signature);
    return priced(request, 1);
  });
  expect((await quoter.quoter.ask(aQuestion(), 1_000)).kind).toBe('quote');
  // The quoter has both for a while, and signs with the one that it had before.
  keys = [PREVIOUS, CURRENT];
  expect((await quoter.quoter.ask(aQuestion(), 1_000)).kind).toBe('quote');
  expect(signatures.map((signature) => /key_id=([^,]+)/.exec(signature ?? '')?.[1])).toEqual([CURRENT.id, PREVIOUS.id]);
  // Once the old one is gone here, what it signed is not believed any more.
  keys = [next];
  expect((await quoter.quoter.ask(aQuestion(), 1_000)).kind).toBe('none');
});
