import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresHome } from './postgres-home.ts';
import { unprivilegedUser } from './unprivileged-user.ts';

describe('where PostgreSQL lives', () => {
  let dir: string;
  let dataDir: string;
  let outside: string;
  const logged: string[] = [];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'holdfast-home-'));
    [dataDir, outside] = [join(dir, 'checkout/.holdfast'), join(dir, 'outside')];
    mkdirSync(dataDir, { recursive: true });
    mkdirSync(outside);
    mkdirSync(join(dir, 'pg/bin'), { recursive: true });
    for (const name of ['postgres', 'initdb']) writeFileSync(join(dir, 'pg/bin', name), '', { mode: 0o755 });
    chmodSync(dir, 0o755);
    logged.length = 0;
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const user = () => unprivilegedUser();
  const programs = () => ({
    version: '18.4',
    postgres: { postgres: { command: join(dir, 'pg/bin/postgres') }, initdb: { command: join(dir, 'pg/bin/initdb') } },
  });
  const home = () => postgresHome(dataDir, programs(), user(), (line) => logged.push(line), outside);

  test('is the data folder where its account can enter', async () => {
    expect((await home()).dir).toBe(dataDir);
  });

  test('for an ordinary user it is the data folder, whatever its mode', async () => {
    chmodSync(dir, 0o700);
    const found = await postgresHome(dataDir, programs(), undefined, () => undefined, outside);
    expect(found).toEqual({ dir: dataDir, programs: programs().postgres });
  });

  // Only root drops to another account; for everybody else the test above is the whole story.
  const asRoot = process.getuid?.() === 0;
  test('for root in a folder that its account cannot enter, it is a folder outside, with a copy of the programs', async () => {
    chmodSync(join(dir, 'checkout'), 0o700);
    chmodSync(join(dir, 'pg'), 0o700);
    const found = await home();
    expect(found.dir).toBe(asRoot ? join(outside, found.dir.slice(outside.length + 1)) : dataDir);
    expect(existsSync(found.programs.initdb.command)).toBe(true);
    expect(await home()).toEqual(found);
    expect(logged.length).toBe(asRoot ? 2 : 0);
  });

  test('what a removed data folder left outside is replaced', async () => {
    chmodSync(join(dir, 'checkout'), 0o700);
    const before = await home();
    writeFileSync(join(before.dir, 'old-cluster'), '');
    rmSync(dataDir, { recursive: true });
    mkdirSync(dataDir);
    const after = await home();
    expect(after.dir).toBe(before.dir);
    expect(existsSync(join(after.dir, 'old-cluster'))).toBe(false);
  });
});
