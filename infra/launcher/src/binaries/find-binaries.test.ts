import { describe, expect, test } from '@jest/globals';
import { packagesToInstall } from './debian-packages.ts';
import { foldersSource, searchFolder, variableSource, type Machine, type ServerSpec } from './installed-binary.ts';
import { findServer, isAtLeast, parseVersion, ServerNotFoundError, type BinarySource } from './server-binaries.ts';

const POSTGRES: ServerSpec = { executable: 'postgres', companions: ['initdb'], minimumVersion: '18' };

/** A machine on which these files exist; the value is what `--version` prints. */
function machineWith(files: Record<string, string>): Machine {
  return { isExecutable: (file) => file in files, versionOf: async (program) => files[program.command] };
}

describe('versions', () => {
  test.each([
    ['postgres (PostgreSQL) 18.4', '18.4'],
    ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', '15.18'],
    ['nats-server: v2.9.10', '2.9.10'],
    ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', '7.0.15'],
    ['no version', undefined],
  ])('reads %s', (output, version) => {
    expect(parseVersion(output)).toBe(version);
  });

  test('compares number by number', () => {
    expect(isAtLeast('2.9.10', '2.9.10')).toBe(true);
    expect(isAtLeast('2.10.0', '2.9.10')).toBe(true);
    expect(isAtLeast('2.9.9', '2.9.10')).toBe(false);
    expect(isAtLeast('18.4', '18')).toBe(true);
    expect(isAtLeast('17.9', '18')).toBe(false);
  });
});

describe('a search', () => {
  const source = (name: string, answer: string | undefined, asked: string[]): BinarySource => ({
    name,
    async search() {
      asked.push(name);
      return answer === undefined ? { missing: `not in ${name}` } : { programs: {}, version: answer, source: name };
    },
  });

  test('asks in order and stops at the first that has the server', async () => {
    const asked: string[] = [];
    const found = await findServer(
      'X',
      [source('a', undefined, asked), source('b', '1.0', asked), source('c', '2.0', asked)],
      '',
    );
    expect(found.source).toBe('b');
    expect(asked).toEqual(['a', 'b']);
  });

  test('that finds nothing names every place with its reason, and the fix', async () => {
    const search = findServer('X', [source('a', undefined, []), source('b', undefined, [])], 'install X');
    await expect(search).rejects.toThrow(ServerNotFoundError);
    await expect(search).rejects.toThrow(/No X was found.*\n.*a: not in a\n.*b: not in b\nFix: install X/);
  });

  test('refuses a PostgreSQL that is too old and takes a newer one further on', async () => {
    const machine = machineWith({
      '/usr/local/bin/postgres': 'postgres (PostgreSQL) 15.18',
      '/usr/local/bin/initdb': '',
      '/usr/lib/postgresql/18/bin/postgres': 'postgres (PostgreSQL) 18.1',
      '/usr/lib/postgresql/18/bin/initdb': '',
    });
    const found = await foldersSource(
      'PATH',
      POSTGRES,
      ['/usr/local/bin', '/usr/lib/postgresql/18/bin'],
      machine,
    ).search();
    expect(found).toMatchObject({
      version: '18.1',
      programs: { initdb: { command: '/usr/lib/postgresql/18/bin/initdb' } },
    });
    const old = await foldersSource('PATH', POSTGRES, ['/usr/local/bin'], machine).search();
    expect(old).toEqual({ missing: '/usr/local/bin/postgres is version 15.18, at least 18 is needed' });
  });

  test('refuses a folder that has only a part of the server', async () => {
    const machine = machineWith({ '/opt/pg/postgres': 'postgres (PostgreSQL) 18.1' });
    expect(await searchFolder(POSTGRES, '/opt/pg', 'x', machine)).toEqual({ missing: 'no initdb in /opt/pg' });
  });

  test('goes on without the environment variable, and stops at one that is wrong', async () => {
    const unset = variableSource('HOLDFAST_NATS_SERVER', undefined, async () => ({ missing: 'never asked' }));
    expect(await unset.search()).toEqual({ missing: 'not set' });
    const wrong = variableSource('HOLDFAST_NATS_SERVER', '/nowhere', async () => ({ missing: 'no such file' }));
    await expect(wrong.search()).rejects.toThrow(/HOLDFAST_NATS_SERVER=\/nowhere cannot be used: no such file/);
  });
});

test('a rehearsed installation names the packages that this machine lacks', () => {
  const output = [
    'NOTE: This is only a simulation!',
    'Inst liblzf1 (3.6-3 Debian:12.9/stable [amd64])',
    'Inst redis-server (5:7.0.15-1 Debian:12.9/stable [amd64])',
    'Conf liblzf1 (3.6-3 Debian:12.9/stable [amd64])',
  ].join('\n');
  expect(packagesToInstall(output)).toEqual(['liblzf1', 'redis-server']);
});
