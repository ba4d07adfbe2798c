import { expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { TokenMemory } from './token-memory.ts';
import type { SignedIn } from './user.ts';

const signedIn = (expiresAtMs: number): SignedIn => ({
  user: { id: newId('usr'), email: 'a@example.com', name: 'A', role: 'customer' },
  sessionId: newId('ses'),
  expiresAtMs,
});

test('a token is remembered until it expires', () => {
  const memory = new TokenMemory();
  const entry = signedIn(1_000);
  memory.remember('t', entry);
  expect(memory.recall('t', 999)).toBe(entry);
  expect(memory.recall('t', 1_000)).toBeNull();
  expect(memory.size).toBe(0);
});

test('when it is full the token that was not used for longest goes', () => {
  const memory = new TokenMemory(2);
  memory.remember('a', signedIn(1_000));
  memory.remember('b', signedIn(1_000));
  memory.recall('a', 0);
  memory.remember('c', signedIn(1_000));
  expect(memory.recall('a', 0)).not.toBeNull();
  expect(memory.recall('b', 0)).toBeNull();
  expect(memory.recall('c', 0)).not.toBeNull();
});
