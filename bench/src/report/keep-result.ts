import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchResult } from './result.ts';
import { toSvg } from './svg.ts';

/** Where results are kept, in the checkout. */
export const RESULTS_DIR = fileURLToPath(new URL('../../results', import.meta.url));

/** Writes the JSON and the picture; the name tells when and what. @returns the files' common name without ending. */
export function keepResult(result: BenchResult, benches: readonly string[]): string {
  mkdirSync(RESULTS_DIR, { recursive: true });
  const moment = result.startedAt.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const name = `${moment}-${benches.join('-')}`;
  writeFileSync(join(RESULTS_DIR, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(RESULTS_DIR, `${name}.svg`), toSvg(result));
  return name;
}
