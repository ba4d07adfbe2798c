import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ROOT } from './pages.ts';

/** Which section of docs/configuration.md speaks of which file. */
const SECTIONS: Readonly<Record<string, string>> = {
  'npm start': 'infra/launcher/src/config.ts',
  'Every service': 'packages/shared/src/config.ts',
  Gateway: 'services/gateway/src/config.ts',
  Booking: 'services/booking/src/config.ts',
  Payment: 'services/payment/src/config.ts',
  Notification: 'services/notification/src/config.ts',
  'Provider simulator': 'infra/provider-simulator/src/config.ts',
  'Mail catcher': 'infra/mail-catcher/src/config.ts',
  Quoter: 'infra/quoter/src/config.ts',
  'Preparing the database': 'infra/database/src/config.ts',
};

/** A member of a schema, not of a literal: its value is an expression, and for ports and counts it shows the default. */
const MEMBER = /^\s+([A-Z][A-Z0-9_]{2,}): (?!['"])(?:(?:port|positiveInteger)\((\d+)\),)?/gm;

const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');

/** Variables of a section with the text of their default cell. */
function documented(section: string): Map<string, string> {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    rows.flatMap((row) => {
      const [, names, value] = row.split('|');
      return [...names!.matchAll(/`([A-Z0-9_]+)`/g)].map((match) => [match[1]!, value!.trim()] as const);
    }),
  );
}

/** Variables of a config.ts with their default where it is a plain number. */
function read(file: string): Map<string, string | undefined> {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return new Map([...source.matchAll(MEMBER)].map((match) => [match[1]!, match[2]]));
}

describe('docs/configuration.md', () => {
  test.each(Object.entries(SECTIONS))('lists under "%s" what %s reads, and nothing else', (section, file) => {
    expect([...documented(section).keys()].sort()).toEqual([...read(file).keys()].sort());
  });

  test.each(Object.entries(SECTIONS))('gives under "%s" the numbers that are defaults in %s', (section, file) => {
    const told = documented(section);
    for (const [name, value] of read(file)) {
      if (value !== undefined && section !== 'npm start') expect([name, told.get(name)]).toEqual([name, value]);
    }
  });
});
