import { inspect, parseArgs, stripVTControlCharacters } from 'node:util';
import { administer, readPassword } from './cli/admin.ts';
import { backUp, drill, restore } from './cli/backups.ts';
import { COMMANDS } from './cli/commands.ts';
import { showDatabase } from './cli/database/show-database.ts';
import { examine } from './cli/doctor/examine.ts';
import { CommandError, EXIT, gatewayUrl, signedInClient, toCommandError } from './cli/gateway-client.ts';
import { listenToEvents } from './cli/listen.ts';
import type { Report } from './cli/report.ts';
import { showStatus } from './cli/status.ts';
import { findStage, play, sceneOf } from './cli/trigger.ts';
import { loadHoldfastConfig } from './config.ts';
import { resolveDataDir } from './data-dir.ts';
import { apiClient } from './first-bookings/api-client.ts';

const config = loadHoldfastConfig();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const told = toCommandError(error);
  process.stderr.write(`${told instanceof CommandError ? told.message : inspect(told)}\n`);
  process.exitCode = told instanceof CommandError ? told.exitCode : 1;
}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = readArguments(argv);
  const [name, ...operands] = positionals;
  if (name === 'doctor') {
    if (operands.length > 0) throw new CommandError('doctor takes no operand', EXIT.usage);
    // Without signing in: it is for when nothing works.
    const url = values.url ?? config.HOLDFAST_URL;
    return show(await examine({ ...config, ...(url === undefined ? {} : { HOLDFAST_URL: url }) }), values.json);
  }
  if (name === 'status') return show(showStatus(resolveDataDir(config.HOLDFAST_DATA_DIR), operands), values.json);
  if (name === 'database') return show(await showDatabase(config, operands), values.json);
  if (name === 'backup') return show(await backUp(config, operands), values.json);
  if (name === 'restore') return show(await restore(values['forget-streams'], operands), values.json);
  if (name === 'drill') return show(await drill(operands), values.json);
  if (name === 'listen') {
    const { subject, since, json: asJson } = values;
    const dataDir = resolveDataDir(config.HOLDFAST_DATA_DIR);
    return listenToEvents({ natsUrl: config.NATS_URL, dataDir, subject, since, asJson }, operands);
  }
  if (name === 'trigger') return trigger(operands, values.json);
  const command = name === undefined ? undefined : COMMANDS[name];
  if (!command && name !== 'admin') {
    const what = name === undefined ? 'which command' : `no command is called ${name}`;
    throw new CommandError(
      `${what}; there are ${Object.keys(COMMANDS).join(', ')}, status, trigger, listen, admin, doctor, database, backup, restore, drill, and --help`,
      EXIT.usage,
    );
  }
  const target = {
    url: values.url ?? config.HOLDFAST_URL,
    token: values.token ?? config.HOLDFAST_TOKEN,
    adminEmail: config.HOLDFAST_ADMIN_EMAIL,
    adminPassword: config.HOLDFAST_ADMIN_PASSWORD,
    dataDir: resolveDataDir(config.HOLDFAST_DATA_DIR),
  };
  const api = await signedInClient(target);
  if (command) return show(await command(api, operands), values.json);
  return show(await administer({ api, anonymous: apiClient(gatewayUrl(target)), readPassword }, operands), values.json);
}

/** Always this checkout's stack, whatever HOLDFAST_URL says: it makes bookings. */
async function trigger(operands: string[], asJson: boolean): Promise<number> {
  const scene = sceneOf(operands);
  if ('lines' in scene) return show(scene, asJson);
  const stage = await findStage(resolveDataDir(config.HOLDFAST_DATA_DIR));
  const admin = await signedInClient({
    ...{ url: undefined, token: undefined, dataDir: stage.dataDir },
    ...{ adminEmail: config.HOLDFAST_ADMIN_EMAIL, adminPassword: config.HOLDFAST_ADMIN_PASSWORD },
  });
  return show(await play(scene, stage, admin, (line) => void process.stderr.write(`${line}\n`)), asJson);
}

function show({ json, lines, exitCode = 0 }: Report, asJson: boolean): number {
  const text = asJson ? JSON.stringify(json, null, 2) : lines.join('\n');
  // Colours are for whoever looks and has not said no to them (no-color.org); a file or a program gets plain text.
  const coloured = process.stdout.isTTY && !process.env['NO_COLOR'];
  process.stdout.write(`${coloured ? text : stripVTControlCharacters(text)}\n`);
  return exitCode;
}

function readArguments(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        token: { type: 'string' },
        json: { type: 'boolean', default: false },
        subject: { type: 'string' },
        since: { type: 'string' },
        'forget-streams': { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error), EXIT.usage);
  }
}
