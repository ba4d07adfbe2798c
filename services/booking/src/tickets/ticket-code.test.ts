import { describe, expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import fc from 'fast-check';
import { decodeTicket, encodeTicket, keyIdOf, newNonce, newTicketKey, type Ticket } from './ticket-code.ts';

const key = newTicketKey();
const aTicket = (over: Partial<Ticket> = {}): Ticket => ({
  id: newId('tkt'),
  reference: 'BK20270104-7K3Q9D',
  subject: newId('evt'),
  place: 'A-12',
  nonce: newNonce(),
  ...over,
});
const places = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9]{1,8}-[1-9]\d{0,2}$/),
  fc.integer({ min: 1, max: 1_000_000 }).map(String),
  fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1000 })).map((pair) => pair.join('/')),
);

describe('the text of a ticket', () => {
  test('comes back as it was, in less than 300 characters that need no escaping', () => {
    fc.assert(
      fc.property(places, (place) => {
        const ticket = aTicket({ place });
        const code = encodeTicket(ticket, key);
        expect(code).toMatch(/^[A-Za-z0-9._-]{1,299}$/);
        expect(keyIdOf(code)).toBe(key.kid);
        expect(decodeTicket(code, key)).toEqual(ticket);
      }),
    );
  });

  test('is refused after any change of one character', () => {
    const code = encodeTicket(aTicket(), key);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: code.length - 1 }),
        fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_. '),
        (at, letter) => {
          fc.pre(code[at] !== letter);
          expect(decodeTicket(code.slice(0, at) + letter + code.slice(at + 1), key)).toBeNull();
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is refused under another key, also one of the same name', () => {
    const code = encodeTicket(aTicket(), key);
    expect(decodeTicket(code, newTicketKey())).toBeNull();
    expect(decodeTicket(code, { ...newTicketKey(), kid: key.kid })).toBeNull();
  });

  test('is not found in anything else', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(decodeTicket(text, key)).toBeNull()));
    expect(keyIdOf('BK20270104-7K3Q9D')).toBeNull();
  });
});
