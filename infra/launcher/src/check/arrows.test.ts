import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ROOT } from '../data-dir.ts';
import { runCommand } from '../run-command.ts';

/** Cruises a workspace made of these files (path: imported paths). @returns `rule: from -> to` for each broken rule, sorted. */
async function cruise(files: Readonly<Record<string, readonly string[]>>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-arrows-'));
  for (const [path, imports] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const up = '../'.repeat(path.split('/').length - 1);
    const lines = imports.map((to) =>
      to.startsWith('type ') ? `import type {} from '${up}${to.slice(5)}';` : `import '${up}${to}';`,
    );
    writeFileSync(join(folder, path), `${lines.join('\n')}\nexport const x: number = 1;\n`);
  }
  const tops = [...new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))];
  const result = await runCommand(
    process.execPath,
    [
      join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
      ...['--config', join(ROOT, '.dependency-cruiser.mjs'), '--output-type', 'json', ...tops],
    ],
    { cwd: folder },
  );
  rmSync(folder, { recursive: true });
  const report = JSON.parse(result.output) as {
    summary: { violations: { from: string; to: string; rule: { name: string } }[] };
  };
  return report.summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`).toSorted();
}

const BOOKING = 'services/booking/src';

describe('the arrows', () => {
  test('let through what the roles allow', async () => {
    const files = {
      [`${BOOKING}/main.ts`]: [`${BOOKING}/service.ts`, `${BOOKING}/config.ts`],
      [`${BOOKING}/service.ts`]: [`${BOOKING}/http.ts`, `${BOOKING}/bookings/booking-store.ts`],
      [`${BOOKING}/config.ts`]: [],
      [`${BOOKING}/http.ts`]: [`${BOOKING}/bookings/routes.ts`],
      [`${BOOKING}/bookings/routes.ts`]: [`${BOOKING}/bookings/place-booking.ts`],
      [`${BOOKING}/bookings/place-booking.ts`]: [
        `${BOOKING}/bookings/booking.ts`,
        `${BOOKING}/bookings/booking-store.ts`,
        `${BOOKING}/inventory/claim-seats.ts`,
        'type packages/shared/src/db/transaction.ts',
      ],
      [`${BOOKING}/bookings/place-booking.test.ts`]: [
        `${BOOKING}/service.ts`,
        `${BOOKING}/inventory/seat-store.ts`,
        'packages/shared/src/testing/database.ts',
      ],
      [`${BOOKING}/bookings/booking.ts`]: [
        'packages/shared/src/money.ts',
        'type packages/shared/src/contracts/bookings.ts',
      ],
      [`${BOOKING}/bookings/booking-store.ts`]: [`type ${BOOKING}/bookings/booking.ts`],
      [`${BOOKING}/checkout-saga/apply-saga-message.ts`]: [`${BOOKING}/bookings/booking-store.ts`],
      [`${BOOKING}/inventory/claim-seats.ts`]: [`${BOOKING}/inventory/seat-store.ts`],
      [`${BOOKING}/inventory/seat-store.ts`]: [],
      'packages/shared/src/money.ts': [],
      'packages/shared/src/contracts/bookings.ts': [],
      'packages/shared/src/db/transaction.ts': [],
      'packages/shared/src/testing/database.ts': [],
    };
    expect(await cruise(files)).toEqual([]);
  });

  describe.each([
    ['an import', ''],
    ['a type import', 'type '],
  ])('stop %s', (_kind, prefix) => {
    const broken: readonly [rule: string, from: string, to: string][] = [
      ['routes-call-use-cases', `${BOOKING}/bookings/routes.ts`, `${BOOKING}/bookings/booking-store.ts`],
      ['domain-is-pure', `${BOOKING}/bookings/booking.ts`, 'packages/shared/src/db/transaction.ts'],
      ['no-foreign-store', `${BOOKING}/bookings/place-booking.ts`, `${BOOKING}/inventory/seat-store.ts`],
      ['services-stand-alone', `${BOOKING}/bookings/place-booking.ts`, 'services/payment/src/payments/payment.ts'],
      ['shared-knows-no-service', 'packages/shared/src/money.ts', `${BOOKING}/bookings/booking.ts`],
      ['wiring-is-at-the-top', `${BOOKING}/bookings/place-booking.ts`, `${BOOKING}/service.ts`],
      ['tests-stay-outside', `${BOOKING}/bookings/place-booking.ts`, 'packages/shared/src/testing/database.ts'],
    ];
    let found: readonly string[];
    beforeAll(async () => {
      const files: Record<string, string[]> = {};
      for (const [, from, to] of broken) {
        (files[from] ??= []).push(`${prefix}${to}`);
        files[to] ??= [];
      }
      found = await cruise(files);
    });

    test.each(broken)('%s: %s -> %s', (rule, from, to) => {
      expect(found).toContain(`${rule}: ${from} -> ${to}`);
    });
  });

  test('stop two files that need each other', async () => {
    const [a, b] = [`${BOOKING}/bookings/pay.ts`, `${BOOKING}/bookings/cancel.ts`];
    expect(await cruise({ [a]: [b], [b]: [`type ${a}`] })).toEqual([expect.stringMatching(/^no-cycles: /)]);
  });

  test('stop an import that leads nowhere', async () => {
    const from = `${BOOKING}/bookings/pay.ts`;
    expect(await cruise({ [from]: [`${BOOKING}/gone.ts`] })).toEqual([expect.stringMatching(/^everything-resolves: /)]);
  });
});
