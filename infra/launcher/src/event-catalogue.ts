import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { incompatibilities } from '@holdfast/shared/event-catalogue/compare-catalogues';
import {
  CATALOGUE,
  checkEventCatalogue,
  currentCatalogue,
  readReleased,
  RELEASED_CATALOGUE,
  toText,
  withoutEvents,
} from './check/event-catalogue.ts';
import { ROOT } from './data-dir.ts';

const USAGE_ERROR = 64;

process.exitCode = main(process.argv.slice(2));

function main(argv: string[]): number {
  const command = parseCommand(argv);
  if (typeof command === 'string') {
    process.stderr.write(`${command}\nnpm run event-catalogue -- --help explains.\n`);
    return USAGE_ERROR;
  }
  if (command.check) return tell(checkEventCatalogue(ROOT), `${CATALOGUE} is up to date.`);
  const document = currentCatalogue(ROOT);
  writeFileSync(join(ROOT, CATALOGUE), toText(document));
  const released = withoutEvents(readReleased(ROOT), new Set(command.drop));
  const misread = tell(incompatibilities(released, document), `${CATALOGUE} is written.`);
  if (misread !== 0 || !command.release) return misread;
  writeFileSync(join(ROOT, RELEASED_CATALOGUE), toText(document));
  process.stdout.write(`${RELEASED_CATALOGUE} is that of ${document.info.version}.\n`);
  return 0;
}

function tell(findings: readonly string[], otherwise: string): number {
  if (findings.length === 0) process.stdout.write(`${otherwise}\n`);
  else process.stderr.write(`${findings.join('\n')}\n`);
  return findings.length === 0 ? 0 : 1;
}

interface Command {
  readonly check: boolean;
  readonly release: boolean;
  readonly drop: readonly string[];
}

/** @returns the command, or a sentence on what is wrong with it. */
function parseCommand(argv: string[]): Command | string {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        check: { type: 'boolean', default: false },
        release: { type: 'boolean', default: false },
        drop: { type: 'string', multiple: true, default: [] },
      },
    });
    if (values.check && values.release) return '--check writes nothing, and --release does.';
    if (values.drop.length > 0 && !values.release) return '--drop goes with --release.';
    return { check: values.check, release: values.release, drop: values.drop };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
