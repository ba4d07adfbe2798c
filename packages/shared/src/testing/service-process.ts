import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { startTestProcess, untilReady, type TestProcess } from './test-process.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

const PROGRAMS = {
  gateway: { main: 'services/gateway/src/main.ts', portVariable: 'HOLDFAST_GATEWAY_PORT' },
  booking: { main: 'services/booking/src/main.ts', portVariable: 'HOLDFAST_BOOKING_PORT' },
  payment: { main: 'services/payment/src/main.ts', portVariable: 'HOLDFAST_PAYMENT_PORT' },
  notification: { main: 'services/notification/src/main.ts', portVariable: 'HOLDFAST_NOTIFICATION_PORT' },
  'provider-simulator': { main: 'infra/provider-simulator/src/main.ts', portVariable: 'HOLDFAST_PROVIDER_PORT' },
  quoter: { main: 'infra/quoter/src/main.ts', portVariable: 'HOLDFAST_QUOTER_PORT' },
  'mail-catcher': { main: 'infra/mail-catcher/src/main.ts', portVariable: 'HOLDFAST_MAIL_PORT' },
} as const;

export type ServiceName = keyof typeof PROGRAMS;

export interface ServiceProcessOptions {
  readonly service: ServiceName;
  /** Its configuration; the port variable may be left out and is then a free one. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolve as soon as it is started, without waiting for /readyz: for a start that is meant to fail or to be killed. */
  readonly waitForReady?: boolean;
}

export interface ServiceProcess extends TestProcess {
  readonly url: string;
  readonly port: number;
}

/** Starts a service as its own process, as in production, and waits until `GET /readyz` answers 200. */
export async function startServiceProcess(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const program = PROGRAMS[options.service];
  const port = Number(options.env[program.portVariable] ?? (await freePort()));
  const started = startTestProcess({
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', program.main],
    cwd: ROOT,
    env: { ...hostVariables(), HOLDFAST_LOG_LEVEL: 'warn', ...options.env, [program.portVariable]: String(port) },
  });
  const url = `http://127.0.0.1:${port}`;
  if (options.waitForReady !== false) {
    try {
      await untilReady(started, async () => {
        const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`/readyz answers ${response.status}`);
      });
    } catch (error) {
      await started.kill();
      throw new Error(`${options.service} did not start`, { cause: error });
    }
  }
  return { ...started, url, port };
}

/** What any process needs of its host; a developer's own HOLDFAST_ or DATABASE_URL settings must not leak into tests. HOLDFAST_TEST_DIR marks it as this run's. */
function hostVariables(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'NODE_EXTRA_CA_CERTS', 'HOLDFAST_TEST_DIR'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
