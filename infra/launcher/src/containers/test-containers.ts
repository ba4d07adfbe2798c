import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { COUNTED_STATEMENTS, pingPostgres, POSTGRES_ADMIN, postgresSettings } from '../postgres.ts';
import { IMAGES, RUN_LABEL } from './images.ts';

/** A program of a test, see `packages/shared/src/testing/test-environment.ts`. */
export interface TestProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly killSignal?: NodeJS.Signals;
}

/** The servers of a test run in containers. */
export interface TestContainers {
  readonly postgresUrl: string;
  readonly nats: TestProgram;
  readonly redis: TestProgram;
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that all test files share in a container, and names the programs by which a file starts a NATS or a Redis of
 * its own in one. @throws Error when there is no container runtime, naming what to do.
 */
export async function startTestContainers(scratch: string): Promise<TestContainers> {
  const runtime = await getContainerRuntimeClient().catch((cause: unknown) => {
    throw new Error('TEST_INFRA=containers needs a container runtime: start Docker, or leave TEST_INFRA unset.', {
      cause,
    });
  });
  const password = randomBytes(24).toString('hex');
  const settings = {
    ...postgresSettings('test'),
    ...COUNTED_STATEMENTS,
    ...{ listen_addresses: '*', unix_socket_directories: '/tmp' },
  };
  const container = await new GenericContainer(IMAGES.postgres)
    .withEnvironment({
      POSTGRES_USER: POSTGRES_ADMIN,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: 'postgres',
      POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --no-sync',
    })
    .withCommand(['postgres', ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])])
    .withExposedPorts(5432)
    .withLabels({ [RUN_LABEL]: scratch })
    .withSharedMemorySize(256 * 1024 * 1024)
    // Twice: the image starts a server without network first, for its own preparations.
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
    .start();
  const url = `postgres://${POSTGRES_ADMIN}:${password}@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
  await answers(url);
  const program = (server: string): TestProgram => ({
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('run-server.ts', import.meta.url)), server],
    killSignal: 'SIGUSR2',
  });
  return {
    postgresUrl: url,
    nats: program('nats'),
    redis: program('redis'),
    async stop() {
      const left = await runtime.container.list();
      const ours = left.filter(({ Labels: labels }) => labels[RUN_LABEL] === scratch);
      await Promise.all(
        ours.map(({ Id: id }) =>
          runtime.container
            .getById(id)
            .remove({ force: true, v: true })
            .catch(() => undefined),
        ),
      );
    },
  };
}

async function answers(url: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await pingPostgres(url);
      return;
    } catch (error) {
      if (attempt === 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
