import { describe, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { choosePort, isPortFree, PortTakenError } from './free-port.ts';

const machine = (taken: number[], any: number[] = []) => ({
  isFree: async (port: number) => !taken.includes(port),
  any: async () => any.shift() ?? 50_000,
});
const wish = { owner: 'the gateway', variable: 'HOLDFAST_GATEWAY_PORT', usual: 8080 };

describe('choosing a port', () => {
  test('takes the usual one when it is free', async () => {
    expect(await choosePort(wish, new Set(), machine([]))).toBe(8080);
  });

  test('takes any free one when the usual one is taken', async () => {
    expect(await choosePort(wish, new Set(), machine([8080], [50_001]))).toBe(50_001);
  });

  test('keeps the port of the last start, so that addresses stay the same', async () => {
    expect(await choosePort({ ...wish, previous: 50_002 }, new Set(), machine([8080]))).toBe(50_002);
  });

  test('never gives one port to two processes of one start', async () => {
    const reserved = new Set<number>();
    const tools = machine([], [50_003, 50_003, 50_004]);
    const ports = [];
    for (let i = 0; i < 3; i += 1) ports.push(await choosePort(wish, reserved, tools));
    expect(ports).toEqual([8080, 50_003, 50_004]);
  });

  test('when asked for 0, avoids the usual one', async () => {
    expect(await choosePort({ ...wish, asked: 0 }, new Set(), machine([], [50_005]))).toBe(50_005);
  });

  test('when asked for a number that is taken, names the fix', async () => {
    const choice = choosePort({ ...wish, asked: 9000 }, new Set(), machine([9000]));
    await expect(choice).rejects.toThrow(PortTakenError);
    await expect(choice).rejects.toThrow(/9000 for the gateway is taken.*Set HOLDFAST_GATEWAY_PORT/);
  });
});

test('a port that something listens on is not free, and is again afterwards', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect(await isPortFree(port)).toBe(false);
  server.close();
  await once(server, 'close');
  expect(await isPortFree(port)).toBe(true);
});
