import { describe, expect, test } from '@jest/globals';
import { TargetGuard, type Resolve } from './target-guard.ts';

const PUBLIC = { address: '93.184.216.34', family: 4 };
const resolve: Resolve = async (hostname) => {
  if (hostname === 'hooks.example.com') return [PUBLIC];
  if (hostname === 'both.example.com') return [PUBLIC, { address: '10.0.0.7', family: 4 }];
  if (hostname.endsWith('nip.io')) return [{ address: '192.168.0.1', family: 4 }];
  if (hostname.startsWith('localhost')) return [{ address: '127.0.0.1', family: 4 }];
  throw new Error('ENOTFOUND');
};
const guard = new TargetGuard({ ports: [443, 8443], developmentTargets: ['127.0.0.1:9000'] }, resolve);

test('public https addresses are allowed, at the ports that are', async () => {
  for (const url of ['https://hooks.example.com/x?y=1', 'https://hooks.example.com:8443', 'https://93.184.216.34/']) {
    expect([url, await guard.refusalOf(url)]).toEqual([url, null]);
  }
});

describe('is refused', () => {
  test.each([
    'https://127.0.0.1',
    'https://[::1]',
    'https://[::ffff:169.254.169.254]',
    'https://0x7f.1',
    'https://2130706433',
    'https://0/',
    'https://127.1',
    'https://169.254.169.254',
    'https://100.100.100.200',
    'https://10.1.2.3',
    'https://172.16.0.1',
    'https://172.31.255.255',
    'https://192.168.1.1',
    'https://100.64.0.1',
    'https://[fc00::1]',
    'https://[fe80::1]',
    'https://[64:ff9b::7f00:1]',
    'https://[::]',
    'https://255.255.255.255',
    'https://224.0.0.1',
    'https://[2002:7f00:1::]',
    'https://[ff02::1]',
    'https://localhost',
    'https://localhost.',
    'https://metadata.google.internal',
    'https://192.168.0.1.nip.io',
    'https://both.example.com',
    'http://hooks.example.com',
    'http://127.0.0.1',
    'file:///etc/passwd',
    'gopher://hooks.example.com',
    'ftp://hooks.example.com',
    'https://user:pass@hooks.example.com',
    'https://hooks.example.com:22',
    'https://hooks.example.com:5432',
    'https://hooks.example.com:6379',
    'https://hooks.example.com:4222',
    'nonsense',
    'http://127.0.0.1:9001',
  ])('%s', async (url) => {
    expect(await guard.refusalOf(url)).toEqual(expect.any(String));
  });
});

test('a name that is public when it is registered and private when it is called is not connected to', async () => {
  let answer = PUBLIC;
  const rebinding = new TargetGuard({ ports: [443], developmentTargets: [] }, async () => [answer]);
  expect(await rebinding.refusalOf('https://rebind.example.com')).toBeNull();
  answer = { address: '169.254.169.254', family: 4 };
  const error = await new Promise((done) =>
    rebinding.lookup('rebind.example.com', { all: true }, (failure) => done(failure)),
  );
  expect(error).toBeInstanceOf(Error);
});

test('what is named for development may be http and local, and nothing beside it', async () => {
  expect(await guard.refusalOf('http://127.0.0.1:9000/hook')).toBeNull();
  expect(await guard.refusalOf('ftp://127.0.0.1:9000/hook')).not.toBeNull();
});
