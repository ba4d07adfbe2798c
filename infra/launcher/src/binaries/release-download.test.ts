import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releaseSource } from './release-download.ts';

const spec = { executable: 'nats-server', minimumVersion: '2.9.10' };

describe('a pinned download', () => {
  let dir: string;
  let server: Server;
  let url: string;
  let sha256: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'holdfast-download-'));
    const content = join(dir, 'nats-server-v9');
    mkdirSync(content);
    writeFileSync(join(content, 'nats-server'), '#!/bin/sh\necho "nats-server: v9.0.0"\n', { mode: 0o755 });
    execFileSync('tar', ['-czf', join(dir, 'archive.tar.gz'), '-C', dir, 'nats-server-v9']);
    const archive = readFileSync(join(dir, 'archive.tar.gz'));
    sha256 = createHash('sha256').update(archive).digest('hex');
    server = createServer((request, response) => {
      // A kept connection would outlive the test.
      response.setHeader('connection', 'close');
      response.statusCode = request.url === '/archive' ? 200 : 404;
      response.end(request.url === '/archive' ? archive : '');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterAll(() => {
    server.close();
    rmSync(dir, { recursive: true });
  });

  const source = (name: string, archive: { url: string; sha256: string }) =>
    releaseSource({
      dataDir: join(dir, name),
      release: { version: '9.0.0', archives: { x64: archive } },
      spec,
      arch: 'x64',
      log: () => undefined,
    });

  test('is unpacked and used when its checksum is the pinned one', async () => {
    const found = await source('good', { url: `${url}/archive`, sha256 }).search();
    expect(found).toMatchObject({ version: '9.0.0' });
  });

  test('is thrown away when its checksum is another', async () => {
    const found = await source('tampered', { url: `${url}/archive`, sha256: '0'.repeat(64) }).search();
    expect(found).toEqual({ missing: expect.stringContaining(`has checksum ${sha256}, expected 0000`) });
    expect(existsSync(join(dir, 'tampered/servers/nats-server-9.0.0'))).toBe(false);
  });

  test('that is not there says so', async () => {
    expect(await source('absent', { url: `${url}/other`, sha256 }).search()).toEqual({
      missing: `${url}/other answered 404`,
    });
  });
});
