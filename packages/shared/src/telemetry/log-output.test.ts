import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { until } from '../testing/until.ts';

const LINES = 1_000;
const many = `for (let n = 0; n < ${LINES}; n += 1) logger.info({ n }, 'line');`;

/** Runs a program of its own that has a `logger` and ends as services do. */
function program(body: string) {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const source = `
    import { createLogger } from ${url('./logger.ts')};
    import { stopOnSignals } from ${url('../lifecycle.ts')};
    const logger = createLogger({ service: 'test', level: 'info' });
    stopOnSignals({ stop: () => Promise.resolve() }, logger);
    setInterval(() => undefined, 1000);
    ${body}`;
  return spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] });
}

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly n?: number;
  readonly time: string;
}

/** What the program has written until its end, and how that came. */
async function run(body: string): Promise<{ lines: Line[]; code: number | null; signal: string | null }> {
  const child = program(body);
  const [output, [code, signal]] = await Promise.all([
    text(child.stdout),
    once(child, 'exit') as Promise<[number | null, string | null]>,
  ]);
  const lines = output.split('\n').filter(Boolean);
  return { lines: lines.map((line) => JSON.parse(line) as Line), code, signal };
}

const everyLine = Array.from({ length: LINES }, (_, n) => n);
const numbersOf = (lines: Line[]) => lines.flatMap(({ n }) => n ?? []);

describe('a process that ends under load has written every line', () => {
  test('after SIGTERM', async () => {
    const { lines, code } = await run(
      `process.once('SIGTERM', () => { ${many} }); process.kill(process.pid, 'SIGTERM');`,
    );
    expect(code).toBe(0);
    expect(numbersOf(lines)).toEqual(everyLine);
    expect(lines.map(({ msg }) => msg)).toContain('stopping');
  });

  test('after an exception that nobody caught', async () => {
    const { lines, code } = await run(`${many} setImmediate(() => { throw new Error('a bug'); });`);
    expect(code).toBe(1);
    expect(numbersOf(lines)).toEqual(everyLine);
    expect(lines.at(-1)).toMatchObject({ level: 60, msg: 'uncaughtException' });
  });

  test('after its own exit', async () => {
    const { lines, code } = await run(`${many} process.exit(3);`);
    expect(code).toBe(3);
    expect(numbersOf(lines)).toEqual(everyLine);
  });
});

describe('when a process is killed without a chance to do anything', () => {
  test('the first line after a pause is there', async () => {
    const { lines, signal } = await run(`logger.info('alone'); process.kill(process.pid, 'SIGKILL');`);
    expect(signal).toBe('SIGKILL');
    expect(lines.map(({ msg }) => msg)).toEqual(['alone']);
  });

  test('a warning is there, and what came before it', async () => {
    const { lines, signal } = await run(`${many} logger.warn('trouble'); process.kill(process.pid, 'SIGKILL');`);
    expect(signal).toBe('SIGKILL');
    expect(numbersOf(lines)).toEqual(everyLine);
    expect(lines.at(-1)?.msg).toBe('trouble');
  });
});

test('a line that waits is written while the process goes on', async () => {
  const child = program(`logger.info('first'); logger.info('second');`);
  let written = '';
  child.stdout.on('data', (chunk: Buffer) => (written += chunk.toString()));
  await until('both lines are written', () => written.includes('first') && written.includes('second'));
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('each line has the time when it was logged', async () => {
  const { lines } = await run(`
    logger.info({ n: +new Date() }, 'line');
    const begun = +new Date();
    while (+new Date() === begun);
    logger.info({ n: +new Date() }, 'line');
    process.exit(0);`);
  for (const { n, time } of lines) {
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    // The two clocks are read one after the other, and a millisecond may begin between them, or a pause of the machine.
    expect(Date.parse(time)).toBeGreaterThanOrEqual(n!);
  }
  expect(lines).toHaveLength(2);
  expect(lines[1]!.time > lines[0]!.time).toBe(true);
});
