import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startGuard, type Guard } from './guard.ts';
import { isProcessAlive } from './process-alive.ts';
import { spawnServer } from './server-process.ts';
import { Supervisor } from './supervisor.ts';

const sleeper = { command: '/bin/sh', args: ['-c', 'echo ready; exec sleep 300'] };

/** A supervisor, and a promise for each thing that it reports. */
function setup() {
  const guard: Guard = { pid: undefined, add: () => undefined, remove: () => undefined, close: () => undefined };
  const ready: number[] = [];
  const waiting = new Set<() => void>();
  const retries: string[] = [];
  const supervisor = new Supervisor(guard, {
    onReady: (_name, pid) => {
      ready.push(pid);
      for (const wake of waiting) wake();
    },
    onEnded: () => undefined,
    onRetry: (name) => void retries.push(name),
  });
  const nthReady = async (n: number) => {
    while (ready.length < n) {
      await new Promise<void>((resolve) => waiting.add(resolve));
    }
    return ready[n - 1] as number;
  };
  return { supervisor, nthReady, retries };
}

const plan = (name: string, program = sleeper) => ({
  name,
  kind: 'worker' as const,
  stopSignal: 'SIGTERM' as const,
  graceMs: 2000,
  start: (onSpawn: Parameters<Parameters<Supervisor['add']>[0]['start']>[0]) =>
    spawnServer({ program, args: [], onSpawn }),
});

describe('a supervised process', () => {
  const started: Supervisor[] = [];
  afterEach(async () => {
    for (const supervisor of started.splice(0)) await supervisor.stop([]);
  });

  test('is brought back when it is killed', async () => {
    const { supervisor, nthReady } = setup();
    started.push(supervisor);
    const first = await supervisor.add(plan('a'));
    process.kill(first.pid, 'SIGKILL');
    const second = await nthReady(2);
    expect(second).not.toBe(first.pid);
    expect(isProcessAlive(second)).toBe(true);
  });

  test('is tried again when bringing it back fails', async () => {
    const { supervisor, nthReady, retries } = setup();
    started.push(supervisor);
    let attempts = 0;
    const flaky = {
      ...plan('a'),
      start: (onSpawn: Parameters<ReturnType<typeof plan>['start']>[0]) => {
        attempts += 1;
        if (attempts === 2) return Promise.reject(new Error('port is taken'));
        return spawnServer({ program: sleeper, args: [], onSpawn });
      },
    };
    const first = await supervisor.add(flaky);
    process.kill(first.pid, 'SIGKILL');
    await nthReady(2);
    expect(retries).toEqual(['a']);
  });

  test('is not brought back when the supervisor stops', async () => {
    const { supervisor } = setup();
    const one = await supervisor.add(plan('one'));
    const two = await supervisor.add(plan('two'));
    await supervisor.stop([['two'], ['one']]);
    expect([isProcessAlive(one.pid), isProcessAlive(two.pid)]).toEqual([false, false]);
  });

  test('that fails at its first start is the caller’s to report', async () => {
    const { supervisor } = setup();
    started.push(supervisor);
    await expect(supervisor.add(plan('x', { command: '/nowhere/x', args: [] }))).rejects.toThrow(
      /cannot start \/nowhere\/x/,
    );
  });
});

test('children end when their launcher is killed with SIGKILL', async () => {
  // A launcher of its own, which tells its child's pid and then waits to be killed.
  const launcher = spawn(
    process.execPath,
    [
      '--input-type=module-typescript',
      '-e',
      `import { startGuard } from ${JSON.stringify(fileURLToPath(new URL('./guard.ts', import.meta.url)))};
       import { spawnServer } from ${JSON.stringify(fileURLToPath(new URL('./server-process.ts', import.meta.url)))};
       const guard = startGuard();
       const child = await spawnServer({ program: { command: 'sleep' }, args: ['300'] });
       guard.add(child.pid, 'worker');
       process.stdout.write(String(child.pid) + '\\n');
       setInterval(() => undefined, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(launcher.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(isProcessAlive(pid)).toBe(true);
  launcher.kill('SIGKILL');
  // sleep's stdout is the launcher's pipe's other end only; its end shows in the process table.
  while (isProcessAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
  expect(isProcessAlive(pid)).toBe(false);
});

test('a guard whose launcher lets go of a child leaves it alone', async () => {
  const guard = startGuard();
  const child = spawn('sleep', ['300'], { stdio: 'ignore' });
  const pid = child.pid as number;
  guard.add(pid, 'server');
  guard.remove(pid);
  guard.close();
  while (isProcessAlive(guard.pid as number)) await new Promise((resolve) => setImmediate(resolve));
  expect(isProcessAlive(pid)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
