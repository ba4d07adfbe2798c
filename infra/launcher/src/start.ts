import { parseArgs } from 'node:util';
import { ADMIN_EMAIL, loadStartConfig } from './config.ts';
import { openDataDir } from './data-dir.ts';
import { endLeftovers } from './end-leftovers.ts';
import { DEMO_CUSTOMERS } from './first-bookings/demo-users.ts';
import { makeFirstBookings, type FirstBookings } from './first-bookings/make-first-bookings.ts';
import { startGuard } from './guard.ts';
import { releaseLauncherLock, takeLauncherLock } from './launcher-lock.ts';
import { openProgress } from './progress.ts';
import { openSecrets } from './secrets.ts';
import type { Addresses } from './service-programs.ts';
import { Stack } from './stack.ts';
import { readState } from './stack-state.ts';
import { onStopRequest } from './stop-request.ts';
import { unprivilegedUser } from './unprivileged-user.ts';
import { welcomeLines } from './welcome-box.ts';

const { once } = readArguments();
const config = loadStartConfig();
const startedAt = config.HOLDFAST_STARTED_AT ?? Date.now();
const progress = openProgress(startedAt);
const print = (line: string) => void process.stdout.write(`${line}\n`);
const dataDir = openDataDir(config.HOLDFAST_DATA_DIR);

const holder = takeLauncherLock(dataDir);
if (holder !== undefined) {
  const running = readState(dataDir)?.processes.gateway?.url;
  process.stderr.write(
    `Holdfast already runs from this checkout (launcher pid ${holder.pid}${running === undefined ? '' : `, gateway ${running}`}).\n` +
      'npm run -s status shows it; Ctrl-C in its terminal stops it. For a second stack set HOLDFAST_DATA_DIR to another folder.\n',
  );
  process.exit(1);
}

const stopRequest = onStopRequest();
const guard = startGuard();
let exitCode = 0;
let stack: Stack | undefined;
try {
  const previous = readState(dataDir);
  if (previous !== undefined) await endLeftovers(previous, (line) => progress.step(line));
  const { secrets, isFirst } = openSecrets(dataDir);
  const adminEmail = config.HOLDFAST_ADMIN_EMAIL ?? ADMIN_EMAIL;
  const adminPassword = config.HOLDFAST_ADMIN_PASSWORD ?? secrets.adminPassword;
  stack = new Stack({
    config,
    secrets,
    adminEmail,
    adminPassword,
    guard,
    progress,
    previousPorts: previous?.ports ?? {},
    search: { dataDir, variables: config, user: unprivilegedUser(), log: (line) => progress.detail(line) },
  });
  if (isFirst) progress.detail(`data, logs and generated secrets are in ${dataDir}`);
  await Promise.race([runStack(stack, adminEmail, adminPassword, secrets.customerPassword), stopWanted()]);
} catch (error) {
  if (!stopRequest.wanted) {
    exitCode = 1;
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write(`Logs: ${dataDir}/logs\n`);
  }
}
progress.step('stopping');
await stack?.stop();
releaseLauncherLock(dataDir);
guard.close();
progress.step('everything is stopped');
// A keep-alive connection of an HTTP client must not hold the process.
process.stdout.write('', () => process.exit(exitCode));

/** Starts the stack, shows it at work, and resolves when it should stop. */
async function runStack(
  stack: Stack,
  adminEmail: string,
  adminPassword: string,
  customerPassword: string,
): Promise<void> {
  const addresses = await stack.start();
  progress.step('everything is up; making a first booking of each kind');
  let first: FirstBookings | undefined;
  try {
    first = await makeFirstBookings({
      gatewayUrl: addresses.gateway,
      mailUrl: addresses.mail,
      dataDir,
      admin: { email: adminEmail, password: adminPassword },
      customerPassword,
      print,
    });
    print('');
    const seconds = ((first.firstConfirmedAt - startedAt) / 1000).toFixed(1);
    progress.step(`first booking confirmed ${seconds} s after the command was given`);
  } catch (error) {
    if (once) throw error;
    // The stack is up, and looking at it is the best way to find out why.
    progress.step(`the first bookings failed: ${error instanceof Error ? error.message : String(error)}`);
    progress.detail(`the stack keeps running; logs: ${dataDir}/logs`);
  }
  if (once) return;
  printWelcome(addresses, adminEmail, adminPassword, customerPassword, first);
  await stopWanted();
}

function stopWanted(): Promise<void> {
  return new Promise((resolve) => stopRequest.whenWanted(resolve));
}

function printWelcome(
  addresses: Addresses,
  adminEmail: string,
  adminPassword: string,
  customerPassword: string,
  first: FirstBookings | undefined,
): void {
  const { gateway } = addresses;
  const customer = DEMO_CUSTOMERS[0];
  const login = JSON.stringify({ email: customer.email, password: customerPassword });
  // Each on one line with nothing to fill in; the second and third use the token that the first one fetches.
  const token = `TOKEN=$(curl -s ${gateway}/v1/auth/login -H 'Content-Type: application/json' -d '${login}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
  const hold = (eventId: string) =>
    `curl -s ${gateway}/v1/bookings -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H "Idempotency-Key: try-$(date +%s)" -d '{"event_id":"${eventId}","quantity":2,"category":"standard"}'`;
  const lines = welcomeLines({
    urls: [
      ['gateway', gateway],
      ['docs', `${gateway}/docs`],
      ['health', `${gateway}/healthz?verbose=1`],
      ['mail catcher', addresses.mail],
      ['provider', addresses.provider],
    ],
    users: [
      ['admin', adminEmail, config.HOLDFAST_ADMIN_PASSWORD === undefined ? adminPassword : '(HOLDFAST_ADMIN_PASSWORD)'],
      ...DEMO_CUSTOMERS.map(({ email }) => ['customer', email, customerPassword] as const),
    ],
    commands: [
      token,
      ...(first === undefined ? [] : [hold(first.catalogue.seatsEventId)]),
      `curl -s ${gateway}/v1/bookings/upcoming -H "Authorization: Bearer $TOKEN"`,
      'npm run -s holdfast -- listen',
      // The tool of NATS, for whoever has it. A server that wants a login is somebody else's: its password is not printed.
      ...(new URL(addresses.nats).username === '' ? [`nats --server ${addresses.nats} stream report`] : []),
    ],
  });
  for (const line of lines) print(line);
}

function readArguments(): { once: boolean } {
  try {
    const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } });
    return values;
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : String(error)}\nnpm start -- --help shows what there is\n`,
    );
    process.exit(64);
  }
}
