import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { commonServiceSchema, ConfigError, internalSecret, parseConfig, secretsOf } from '../config.ts';
import { signAssertion, verifyAssertion } from '../http/internal-assertion.ts';
import { newId } from '../ids.ts';
import { keysFor } from './derived-keys.ts';
import { createSealer } from './sealed-text.ts';
import { SecretFile } from './secret-file.ts';
import { allSecrets, currentSecret } from './secret-ring.ts';

const dir = mkdtempSync(join(tmpdir(), 'holdfast-secrets-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const OLD = 'the old secret, of thirty-two characters'.replace(',', '');
const NEW = 'the new secret of thirty-two characters';
const path = join(dir, 'secret');
const lines = (text: string) => (text.trim() === '' ? null : text.trim().split('\n'));

let nowMs = 0;
let problems: string[] = [];
beforeEach(() => {
  nowMs = 0;
  problems = [];
  writeFileSync(path, `${OLD}\n`);
});
const open = () =>
  new SecretFile(path, { parse: lines, onProblem: (problem) => problems.push(problem), nowMs: () => nowMs });

describe('secrets in a file', () => {
  test('are read again after a second, however the file was replaced', () => {
    const ring = open();
    expect(allSecrets(ring)).toEqual([OLD]);
    writeFileSync(`${path}.next`, `${NEW}\n${OLD}\n`);
    renameSync(`${path}.next`, path);
    nowMs = 999;
    expect(allSecrets(ring)).toEqual([OLD]);
    nowMs = 1_000;
    expect([currentSecret(ring), allSecrets(ring)]).toEqual([NEW, [NEW, OLD]]);
  });

  test('stay in use while the file is away or holds nothing usable, and nobody is told what it holds', () => {
    const ring = open();
    writeFileSync(path, '  ');
    nowMs = 1_000;
    expect(allSecrets(ring)).toEqual([OLD]);
    rmSync(path);
    nowMs = 2_000;
    expect(allSecrets(ring)).toEqual([OLD]);
    writeFileSync(path, NEW);
    nowMs = 3_000;
    expect(allSecrets(ring)).toEqual([NEW]);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join()).not.toContain(OLD);
  });

  test('must be there and good at the start', () => {
    writeFileSync(path, '');
    expect(open).toThrow('no usable secret');
    rmSync(path);
    expect(open).toThrow('ENOENT');
  });
});

describe('a variable of the environment', () => {
  const env = { DATABASE_URL: 'postgres://u:p@127.0.0.1/x', NATS_URL: 'nats://127.0.0.1:4222' };
  const problemsOf = (more: Record<string, string>): string => {
    try {
      parseConfig(commonServiceSchema, { ...env, ...more });
      return '';
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
  };

  test('may stand in a file instead, one secret a line', () => {
    writeFileSync(path, `${NEW}\n${OLD}\n`);
    const given = { ...env, HOLDFAST_INTERNAL_SECRET_FILE: path };
    expect(parseConfig(commonServiceSchema, given).HOLDFAST_INTERNAL_SECRET).toEqual([NEW, OLD]);
    expect(allSecrets(secretsOf(given, 'HOLDFAST_INTERNAL_SECRET', internalSecret))).toEqual([NEW, OLD]);
  });

  test('and its file do not go together, and a file must be readable and good', () => {
    expect(problemsOf({ HOLDFAST_INTERNAL_SECRET: OLD, HOLDFAST_INTERNAL_SECRET_FILE: path })).toContain(
      'not together',
    );
    expect(problemsOf({ HOLDFAST_INTERNAL_SECRET_FILE: join(dir, 'nowhere') })).toContain('ENOENT');
    writeFileSync(path, 'short');
    const problem = problemsOf({ HOLDFAST_INTERNAL_SECRET_FILE: path });
    expect(problem).toContain('at least 32 characters');
    expect(problem).not.toContain('short');
  });

  test.each(['x'.repeat(40), 'changeme-changeme-changeme-changeme', 'your-secret-goes-here-please-1234567890'])(
    'is refused when anybody would guess it: %s',
    (secret) => expect(problemsOf({ HOLDFAST_INTERNAL_SECRET: secret })).toContain('can be guessed'),
  );

  test('that somebody else’s program reads is not ours to read', () => {
    expect(problemsOf({ HOLDFAST_INTERNAL_SECRET: OLD, SSL_CERT_FILE: '/nowhere' })).toBe('');
  });
});

describe('what was made with a secret', () => {
  const ring = (...values: string[]) => ({ values: () => values });
  const caller = {
    ...{ userId: newId('usr'), role: 'customer' as const, email: 'a@example.com', name: 'A', address: '127.0.0.1' },
    ...{ requestId: newId('req'), traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  };

  test('is accepted as long as the secret is in the ring, and no longer', () => {
    const assertion = signAssertion(OLD, caller);
    const sealed = createSealer(OLD, 'p').seal('a token');
    for (const [secrets, accepted] of [
      [ring(OLD), true],
      [ring(OLD, NEW), true],
      [ring(NEW, OLD), true],
      [ring(NEW), false],
    ] as const) {
      expect(verifyAssertion(secrets, assertion) !== null).toBe(accepted);
      expect(createSealer(secrets, 'p').unseal(sealed)).toBe(accepted ? 'a token' : null);
    }
    expect(verifyAssertion(ring(OLD), signAssertion(ring(NEW, OLD), caller))).toBeNull();
  });

  test('is read again whatever it was, and not after any change', () => {
    const sealer = createSealer(OLD, 'p');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (text, at) => {
        const sealed = sealer.seal(text);
        expect(sealer.unseal(sealed)).toBe(text);
        expect(sealer.seal(text)).not.toBe(sealed);
        const bytes = Buffer.from(sealed, 'base64url');
        bytes[at % bytes.length]! ^= 1;
        expect(sealer.unseal(bytes.toString('base64url'))).toBeNull();
      }),
    );
    expect(createSealer(OLD, 'another purpose').unseal(sealer.seal('x'))).toBeNull();
    for (const bad of ['', 'x', 'not base64url!', 'A'.repeat(100)]) expect(sealer.unseal(bad)).toBeNull();
  });

  test('for one purpose tells nothing for another', () => {
    const [a] = keysFor(OLD, 'a')();
    const [b] = keysFor(OLD, 'b')();
    expect(a!.equals(b!)).toBe(false);
    expect(keysFor(ring(NEW, OLD), 'a')()[1]!.equals(a!)).toBe(true);
  });
});
