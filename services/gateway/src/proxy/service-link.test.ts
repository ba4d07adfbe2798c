import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { freePort } from '@holdfast/shared/testing/free-port';
import { startFakeService, type FakeService } from '../testing/fake-service.ts';
import { textOf } from './service-call.ts';
import { ServiceLink, type LinkCall, type LinkOptions } from './service-link.ts';
import { createUpstream } from './upstream.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function service(port = 0): Promise<FakeService> {
  const started = await startFakeService(port);
  closing.push(() => started.stop());
  return started;
}

function linkTo(port: number, options: Partial<LinkOptions> = {}): ServiceLink {
  const pool = createUpstream(`http://127.0.0.1:${port}`, 8);
  closing.push(() => pool.destroy());
  return new ServiceLink({ service: 'booking', pool, maxCalls: 100, ...options });
}

const post: LinkCall = { method: 'POST', path: '/x', headers: [], body: '{}', limitMs: 2_000, repeatable: false };
const keyed: LinkCall = { ...post, repeatable: true };

async function bodyOf(link: ServiceLink, call: LinkCall = post): Promise<string> {
  return textOf(await link.call(call));
}

describe('a service that is being restarted', () => {
  test('is waited for: no call is lost that had not left yet', async () => {
    const old = await service();
    const link = linkTo(old.port);
    expect(await bodyOf(link)).toBe('{}');
    await old.stop();
    const waiting = Promise.all([bodyOf(link), bodyOf(link), bodyOf(link, keyed)]);
    const restarted = await service(old.port);
    expect(await waiting).toEqual(['{}', '{}', '{}']);
    expect(restarted.seen).toHaveLength(3);
  });

  test('gets keyed calls again, however often their connection breaks, and others never', async () => {
    const flaky = await service();
    const link = linkTo(flaky.port);
    await bodyOf(link);
    let breaks = 3;
    flaky.behave(() => (breaks-- > 0 ? 'reset' : { body: 'at last' }));
    expect(await bodyOf(link, keyed)).toBe('at last');
    flaky.seen.length = 0;
    breaks = 1;
    await expect(link.call(post)).rejects.toThrow();
    expect(flaky.seen).toHaveLength(1);
  });

  test('is not waited for past the limit of the call', async () => {
    const old = await service();
    const link = linkTo(old.port);
    await bodyOf(link);
    await old.stop();
    const startedAt = performance.now();
    await expect(link.call({ ...post, limitMs: 300 })).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(600);
  });
});

test('a service that was never there is not waited for', async () => {
  const link = linkTo(await freePort());
  const startedAt = performance.now();
  await expect(link.call(post)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(performance.now() - startedAt).toBeLessThan(500);
});

test('a call that broke off is repeated once where that is harmless, also when nothing was answered before', async () => {
  const flaky = await service();
  const link = linkTo(flaky.port);
  let calls = 0;
  flaky.behave(() => (++calls === 1 ? 'reset' : { body: 'second' }));
  expect(await bodyOf(link, keyed)).toBe('second');
  flaky.behave(() => 'reset');
  const another = linkTo(flaky.port);
  flaky.seen.length = 0;
  await expect(another.call(keyed)).rejects.toThrow();
  expect(flaky.seen).toHaveLength(2);
});

test('each try says how long the gateway still waits', async () => {
  const flaky = await service();
  const link = linkTo(flaky.port);
  let calls = 0;
  flaky.behave(() => (++calls === 1 ? 'reset' : {}));
  await bodyOf(link, { ...keyed, limitMs: 1_000 });
  const left = flaky.seen.map(({ headers }) => Number(headers['holdfast-deadline-ms']));
  expect(left).toHaveLength(2);
  expect(left[0]).toBeGreaterThan(500);
  expect(left[0]).toBeLessThanOrEqual(950);
  expect(left[1]).toBeLessThanOrEqual(left[0]!);
});

test('more calls than may wait are refused at once, and there is room again when one ends', async () => {
  const slow = await service();
  const link = linkTo(slow.port, { maxCalls: 3 });
  slow.behave(() => 'silence');
  let ended = 0;
  const waiting = [1, 2, 3].map(() =>
    link
      .call({ ...post, limitMs: 1_500 })
      .catch(() => 'late')
      .finally(() => (ended += 1)),
  );
  await expect(link.call(post)).rejects.toMatchObject({ code: 'overloaded', status: 503 });
  expect(ended).toBe(0);
  expect(await Promise.all(waiting)).toEqual(['late', 'late', 'late']);
  slow.behave(() => ({}));
  expect(await bodyOf(link)).toBe('{}');
});

describe('the breaker', () => {
  async function broken(breakMs: number) {
    const states: string[] = [];
    const down = await service();
    const link = linkTo(down.port, { breakMs, onState: (state) => states.push(state) });
    down.behave(() => 'silence');
    await Promise.all(Array.from({ length: 20 }, () => link.call({ ...post, limitMs: 50 }).catch(() => undefined)));
    expect(link.state).toBe('open');
    return { down, link, states };
  }

  test('opens when half of the last twenty calls had no answer: nothing is sent, and refused at once', async () => {
    const { down, link } = await broken(60_000);
    down.seen.length = 0;
    const startedAt = performance.now();
    for (let n = 0; n < 50; n += 1) {
      await expect(link.call(post)).rejects.toMatchObject({ code: 'dependency_unavailable' });
    }
    // Each by itself would take 2 s.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(down.seen).toEqual([]);
  });

  test('lets one call try after the break, and closes when it is answered', async () => {
    const { down, link, states } = await broken(30);
    let answer: () => void = () => undefined;
    down.behave(() => 'silence');
    // Until the break is over calls are refused; then one of them is the probe, which gets no answer for now.
    await until('a call is let through', () => {
      const probe = link.call({ ...post, limitMs: 100 });
      probe.catch(() => answer());
      return link.state === 'half_open';
    });
    await expect(link.call(post)).rejects.toMatchObject({ code: 'dependency_unavailable' });
    await new Promise<void>((resolve) => (answer = resolve));
    down.behave(() => ({}));
    await until('a probe is answered', () => link.call(post).then(() => true));
    expect(link.state).toBe('closed');
    expect(states).toEqual(expect.arrayContaining(['open', 'half_open', 'closed']));
  });

  test('does not count what a service answers, a 503 neither', async () => {
    const unwell = await service();
    const link = linkTo(unwell.port);
    unwell.behave(() => ({ status: 503 }));
    for (let n = 0; n < 40; n += 1) expect((await link.call(post)).status).toBe(503);
    expect(link.state).toBe('closed');
  });
});
