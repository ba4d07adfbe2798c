import { statfsSync } from 'node:fs';
import { styleText } from 'node:util';
import { resolveDataDir } from '../../data-dir.ts';
import { pingNats } from '../../nats.ts';
import { pingRedis } from '../../redis.ts';
import { isStackRunning, readState } from '../../stack-state.ts';
import type { Report } from '../report.ts';
import { table } from '../table.ts';
import { examinePostgres } from './examine-postgres.ts';
import { fail, ok, reasonOf, warn, type Finding } from './finding.ts';

/** Where to look; what is not named is that of the stack of this checkout. */
export interface Patient {
  readonly HOLDFAST_DATA_DIR?: string | undefined;
  readonly HOLDFAST_URL?: string | undefined;
  readonly HOLDFAST_POSTGRES_ADMIN_URL?: string | undefined;
  readonly NATS_URL?: string | undefined;
  readonly REDIS_URL?: string | undefined;
}

const MIN_NODE = 24;
const MIN_NATS = [2, 9, 10];
const MIN_FREE_BYTES = 1024 ** 3;
/** The gateway waits 2 s for the services. */
const GATEWAY_LIMIT_MS = 5_000;

/** `doctor`: whether everything is as it should be, each fault with its fix. Changes nothing. */
export async function examine(patient: Patient): Promise<Report> {
  const dataDir = resolveDataDir(patient.HOLDFAST_DATA_DIR);
  const state = readState(dataDir);
  const processes = isStackRunning(state) ? state.processes : {};
  const gateway = patient.HOLDFAST_URL ?? processes.gateway?.url;
  const postgres = patient.HOLDFAST_POSTGRES_ADMIN_URL ?? processes.postgres?.url;
  const nats = patient.NATS_URL ?? processes.nats?.url;
  const redis = patient.REDIS_URL ?? processes.redis?.url;
  const [ofServices, ofPostgres, ofNats, ofRedis] = await Promise.all([
    gateway === undefined ? null : examineServices(gateway),
    postgres === undefined ? null : examinePostgres(postgres),
    nats === undefined ? null : examineNats(nats),
    redis === undefined ? null : examineRedis(redis),
  ]);
  const findings = [
    node(),
    disk(dataDir),
    ...(ofServices ?? [notNamed('gateway', 'HOLDFAST_URL')]),
    ...(ofPostgres ?? [notNamed('postgres', 'HOLDFAST_POSTGRES_ADMIN_URL')]),
    ofNats ?? notNamed('nats', 'NATS_URL'),
    ofRedis ??
      warn('redis', 'there is none', 'nothing, if that is on purpose; under load everything is slower without'),
  ];
  const bad = findings.filter(({ status }) => status !== 'ok');
  return {
    json: { ok: findings.every(({ status }) => status !== 'fail'), findings },
    lines: [
      ...table(
        ['', 'check', 'found'],
        findings.map(({ status, check, detail }) => [SIGNS[status], check, detail]),
      ),
      '',
      ...(bad.length === 0 ? ['All is well.'] : bad.map(({ check, fix }) => `${check}: ${fix ?? ''}`)),
    ],
    exitCode: findings.some(({ status }) => status === 'fail') ? 1 : 0,
  };
}

const SIGNS = { ok: styleText('green', 'ok'), warn: styleText('yellow', 'warn'), fail: styleText('red', 'FAIL') };

const notNamed = (check: string, variable: string) =>
  fail(check, 'nothing runs from this checkout', `npm start, or set ${variable} to one that runs elsewhere`);

function node(): Finding {
  const told = `version ${process.versions.node}`;
  return Number(process.versions.node.split('.')[0]) >= MIN_NODE
    ? ok('node', told)
    : fail('node', told, `run it through npm run, which takes the Node ${MIN_NODE} of the dependencies`);
}

function disk(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const told = `${(free / 1024 ** 3).toFixed(1)} GiB are free at ${folder}`;
  return free >= MIN_FREE_BYTES ? ok('disk', told) : fail('disk', told, 'make room: PostgreSQL stops when it is full');
}

interface Health {
  readonly checks?: Readonly<Record<string, { readonly status: Finding['status']; readonly detail: string }>>;
  readonly services?: Readonly<Record<string, Health & { readonly status: string }>>;
}

/** What each service says of itself, through the gateway. */
export async function examineServices(url: string): Promise<Finding[]> {
  let health: Health;
  try {
    const answer = await fetch(`${url}/healthz?verbose=1`, { signal: AbortSignal.timeout(GATEWAY_LIMIT_MS) });
    health = (await answer.json()) as Health;
  } catch (error) {
    return [
      fail(
        'gateway',
        `${url}: ${reasonOf(error)}`,
        'start it; its log says why it ended (exit code 78: configuration)',
      ),
    ];
  }
  return [
    ...checksOf('gateway', health),
    ...Object.entries(health.services ?? {}).flatMap(([name, service]) =>
      service.checks === undefined
        ? [fail(name, service.status, `start ${name}; its log says why it ended (exit code 78: configuration)`)]
        : checksOf(name, service),
    ),
  ];
}

function checksOf(service: string, health: Health): Finding[] {
  return Object.entries(health.checks ?? {}).map(([name, { status, detail }]) => {
    const check = `${service} ${name}`;
    if (status === 'ok') return ok(check, detail);
    return (status === 'warn' ? warn : fail)(check, detail, `see what ${service} says about ${name} in its log`);
  });
}

async function examineNats(url: string): Promise<Finding> {
  try {
    const version = await pingNats(url);
    const parts = version.split('.').map(Number);
    const difference = MIN_NATS.map((least, index) => (parts[index] ?? 0) - least).find((each) => each !== 0) ?? 0;
    const told = `version ${version}, with JetStream`;
    return difference >= 0 ? ok('nats', told) : fail('nats', told, 'move to nats-server 2.9.10 or newer');
  } catch (error) {
    return fail('nats', reasonOf(error), 'start nats-server with JetStream (infra/nats), or correct NATS_URL');
  }
}

async function examineRedis(url: string): Promise<Finding> {
  try {
    await pingRedis(url);
    return ok('redis', 'answers');
  } catch (error) {
    return warn('redis', reasonOf(error), 'start Redis, or unset REDIS_URL: everything works without, only slower');
  }
}
