import { loadStatusConfig } from './config.ts';
import { resolveDataDir } from './data-dir.ts';
import { isStackRunning, PROCESS_NAMES, readState, statusJson } from './stack-state.ts';

const config = loadStatusConfig();
const unknown = process.argv.slice(2).filter((argument) => argument !== '--json');
if (unknown.length > 0) {
  process.stderr.write(`unknown argument ${unknown.join(' ')}; npm run -s status -- --help shows what there is\n`);
  process.exit(64);
}
const dataDir = resolveDataDir(config.HOLDFAST_DATA_DIR);
const state = readState(dataDir);
if (!isStackRunning(state)) {
  // stdout stays empty: what reads JSON there must not take this sentence for it.
  process.stderr.write(`Nothing runs from this checkout (data folder ${dataDir}). npm start starts it.\n`);
  process.exit(1);
}
if (!state.isUp) {
  // Half a table would read as a stack that lost its gateway.
  process.stderr.write('The stack of this checkout is still starting.\n');
  process.exit(1);
}
const entries = statusJson(state);
if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify(entries)}\n`);
} else {
  const lines = PROCESS_NAMES.map((name) => {
    const entry = entries[name];
    if (entry === null) return `${name.padEnd(14)}not running`;
    // People read this over shoulders and paste it into reports: the password stays in the JSON.
    const url = entry.url.replace(/\/\/([^:@/]+):[^@/]+@/, '//$1:***@');
    return `${name.padEnd(14)}${String(entry.pid ?? '(external)').padEnd(12)}${url}`;
  });
  process.stdout.write(`${'process'.padEnd(14)}${'pid'.padEnd(12)}url\n${lines.join('\n')}\n`);
}
