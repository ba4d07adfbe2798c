import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { IMAGES, RUN_LABEL } from './images.ts';

/**
 * `run-server.ts nats|redis <arguments of the server>`: the server in a container, in the place of an installed one. It takes the
 * arguments that a test gives to nats-server or redis-server, writes the container's log, and ends when the container ends. SIGTERM
 * lets the server finish; SIGUSR2 kills it, as SIGKILL would, which would reach this process and leave the container.
 */
const [kind, ...args] = process.argv.slice(2);
const { image, inside, ready } = serverOf(kind);
const { port, command, mount } = translate(args, inside);

let container = new GenericContainer(image)
  .withExposedPorts({ container: inside, host: port })
  .withCommand(command)
  .withLabels({ [RUN_LABEL]: process.env['HOLDFAST_TEST_DIR'] ?? '' })
  .withWaitStrategy(Wait.forLogMessage(ready))
  .withLogConsumer((log) => log.pipe(process.stdout));
if (mount !== null) {
  // The store is the test's: it copies and empties it, so its files belong to whoever runs the test.
  container = container
    .withBindMounts([{ source: mount, target: mount, mode: 'rw' }])
    .withUser(`${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`);
}

let asked: NodeJS.Signals | null = null;
let forward: (signal: NodeJS.Signals) => void = () => undefined;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2'] as const) {
  process.on(signal, () => {
    asked = signal === 'SIGUSR2' ? 'SIGKILL' : signal;
    forward(asked);
  });
}

const started = await container.start();
const runtime = await getContainerRuntimeClient();
const running = runtime.container.getById(started.getId());
forward = (signal) => {
  // It may have ended in this moment; then there is nothing left to tell it.
  running.kill({ signal }).catch(() => undefined);
};
const ended = running.wait() as Promise<{ StatusCode: number }>;
if (asked !== null) forward(asked);
const { StatusCode: code } = await ended;
await running.remove({ force: true, v: true }).catch(() => undefined);
process.exit(code);

function serverOf(name: string | undefined): { image: string; inside: number; ready: RegExp } {
  switch (name) {
    case 'nats':
      return { image: IMAGES.nats, inside: 4222, ready: /Server is ready/ };
    case 'redis':
      return { image: IMAGES.redis, inside: 6379, ready: /Ready to accept connections/i };
    default:
      throw new Error(`run-server.ts nats|redis, not ${String(name)}`);
  }
}

/** The arguments as they are right inside: there the server listens on every address and on its usual port. */
function translate(
  given: readonly string[],
  inside: number,
): { port: number; command: string[]; mount: string | null } {
  let port = 0;
  let mount: string | null = null;
  const command = [...given];
  for (let index = 0; index < command.length; index++) {
    const value = command[index + 1] ?? '';
    const name = command[index] ?? '';
    if (['-a', '--bind'].includes(name)) command[index + 1] = '0.0.0.0';
    if (name === '-sd') mount = value;
    if (!['-p', '--port'].includes(name)) continue;
    port = Number(value);
    command[index + 1] = String(inside);
  }
  if (port === 0) throw new Error('the arguments name no port');
  // The image of Redis takes options after the name of its program, that of NATS without.
  return { port, command: inside === 6379 ? ['redis-server', ...command] : command, mount };
}
