import { describe, expect, test } from '@jest/globals';
import { Problem } from '@holdfast/shared/problems';
import { PasswordHasher } from './password.ts';

describe('a password', () => {
  test('is stored as an argon2id PHC string with at least the minimum cost', async () => {
    const stored = await new PasswordHasher().hash('correct horse');
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  });

  test('fits its own hash and no other, and no two hashes of it are equal', async () => {
    const hasher = new PasswordHasher();
    const [first, second] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')]);
    expect(first).not.toBe(second);
    expect(await hasher.verify('correct horse', first)).toBe(true);
    expect(await hasher.verify('correct hors', first)).toBe(false);
  });

  test('is compared to its last character, beyond 72 bytes too', async () => {
    const hasher = new PasswordHasher();
    const stored = await hasher.hash(`${'a'.repeat(72)}X`);
    expect(await hasher.verify(`${'a'.repeat(72)}Y`, stored)).toBe(false);
  });

  test('fits nobody when the user is unknown', async () => {
    expect(await new PasswordHasher().verify('anything', null)).toBe(false);
  });

  test('that another program hashed is understood', async () => {
    // The test vector of a reference implementation's command line: password "password", salt "somesalt".
    const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await new PasswordHasher().verify('password', stored)).toBe(true);
  });
});

test('more than 50 waiting hashes are refused at once and the others are done', async () => {
  const hasher = new PasswordHasher();
  const outcomes = await Promise.allSettled(Array.from({ length: 55 }, () => hasher.hash('x')));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused).toHaveLength(3);
  expect(refused.every(({ reason }) => reason instanceof Problem && reason.code === 'dependency_unavailable')).toBe(
    true,
  );
  expect(await hasher.verify('x', await hasher.hash('x'))).toBe(true);
});
