import { stripVTControlCharacters } from 'node:util';
import { CommandError } from './cli/gateway-client.ts';
import { showStatus } from './cli/status.ts';
import { loadStatusConfig } from './config.ts';
import { resolveDataDir } from './data-dir.ts';

const config = loadStatusConfig();
const unknown = process.argv.slice(2).filter((argument) => argument !== '--json');
if (unknown.length > 0) {
  process.stderr.write(`unknown argument ${unknown.join(' ')}; npm run -s status -- --help shows what there is\n`);
  process.exit(64);
}
try {
  const { json, lines } = showStatus(resolveDataDir(config.HOLDFAST_DATA_DIR), []);
  process.stdout.write(
    process.argv.includes('--json') ? `${JSON.stringify(json)}\n` : `${stripVTControlCharacters(lines.join('\n'))}\n`,
  );
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitCode);
}
