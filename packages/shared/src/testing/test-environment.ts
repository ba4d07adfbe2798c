import { z } from 'zod';

const program = z.string().transform((text, context) => {
  try {
    return z
      .object({
        command: z.string(),
        args: z.array(z.string()).default([]),
        env: z.record(z.string(), z.string()).default({}),
        /** What kills the server, where the program stands for one in a container and must outlive it by a moment. */
        killSignal: z.enum(['SIGKILL', 'SIGUSR2']).default('SIGKILL'),
      })
      .parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON with command and env' });
    return z.NEVER;
  }
});

const schema = z.object({
  HOLDFAST_TEST_POSTGRES_URL: z.string(),
  HOLDFAST_TEST_TEMPLATE: z.string(),
  HOLDFAST_TEST_DB_PASSWORD: z.string(),
  HOLDFAST_TEST_NATS_SERVER: program,
  HOLDFAST_TEST_REDIS_SERVER: program.optional(),
  HOLDFAST_TEST_DIR: z.string(),
});

export type TestEnvironment = z.infer<typeof schema>;
export type TestProgram = TestEnvironment['HOLDFAST_TEST_NATS_SERVER'];

/** What the test runner tells the test files: where its PostgreSQL is and how to start a NATS and a Redis. */
export function testEnvironment(): TestEnvironment {
  const result = schema.safeParse(process.env);
  if (result.success) return result.data;
  throw new Error(
    `This test needs the servers of the test runner: run it with "npm test -- <file>", or start them with "npm test -- --servers" and paste the variables it prints.\n${z.prettifyError(result.error)}`,
  );
}
