import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PortClaims } from './port-claims.ts';
import { identify } from './stack-state.ts';

test('a claim counts while its launcher lives', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-claims-'));
  const other = spawn('sleep', ['300'], { stdio: 'ignore' });
  try {
    writeFileSync(join(folder, '8080'), JSON.stringify(identify(other.pid as number)));
    const claims = new PortClaims(folder);
    expect(claims.claim(8080)).toBe(false);
    expect(claims.claim(8081)).toBe(true);

    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(claims.claim(8080)).toBe(true);

    claims.release();
    expect(new PortClaims(folder).claim(8080)).toBe(true);
  } finally {
    other.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
