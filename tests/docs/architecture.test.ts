import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CONSUMERS } from '@holdfast/shared/bus/topology';
import { TRANSITIONS } from '../../services/booking/src/bookings/booking.ts';
import {
  decide,
  IGNORE,
  NOTE,
  SAGA_MESSAGES,
  SAGA_STATES,
  type SagaStep,
} from '../../services/booking/src/checkout-saga/checkout-saga.ts';
import { readPage, ROOT } from './pages.ts';

const page = readPage('docs/architecture.md');

/** The cells of one row of the saga table, as the page shows them. */
function rowOf(state: string, message: string, step: SagaStep): string[] {
  const undo = step.undo === undefined ? '' : (step.undo ?? 'none');
  const claims = step.claims === undefined ? (step.pin ? 'pinned' : '') : step.claims;
  const command = step.command ?? '';
  return [state, message, step.next, (step.booking ?? []).join(', '), claims, command, undo, step.announce ?? ''];
}

/** The table and the list under it, without the padding of the columns. */
function sagaSection(): string[] {
  const head = ['state', 'message', 'next', 'booking', 'claims', 'asks', 'undo', 'announces'];
  const rows = SAGA_STATES.flatMap((state) =>
    SAGA_MESSAGES.flatMap((message) => {
      const decision = decide(state, message);
      return decision === IGNORE || decision === NOTE ? [] : [rowOf(state, message, decision)];
    }),
  );
  const noted = SAGA_STATES.flatMap((state) => {
    const messages = SAGA_MESSAGES.filter((message) => decide(state, message) === NOTE);
    return messages.length === 0 ? [] : [`${state} on ${messages.join(', ')}`];
  });
  return [...[head, head.map(() => '-'), ...rows].map((cells) => cells.join('|')), `Only noted: ${noted.join('; ')}.`];
}

function shownSection(): string[] {
  const text = /<!-- saga table[^>]*-->([\s\S]*?)<!-- end/.exec(page)?.[1] ?? '';
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) =>
      line.startsWith('|')
        ? line
            .slice(1, -1)
            .split('|')
            .map((cell) => cell.trim().replace(/^-+$/, '-'))
            .join('|')
        : line,
    );
}

test('the saga table of the page is that of the code', () => {
  expect(shownSection()).toEqual(sagaSection());
});

test('the page lists every failpoint, and no other', () => {
  const sources = globSync(['services/*/src/**/*.ts', 'packages/shared/src/**/*.ts'], { cwd: ROOT }).filter(
    (file) => !file.endsWith('.test.ts'),
  );
  const inCode = sources.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/failpoint\(['`]([^'`]+)['`]\)/g)].map((match) =>
      match[1]!.replace('${name}', '<consumer>'),
    ),
  );
  const section = page.split('## Failpoints')[1]!;
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const onPage = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
  expect([...onPage].sort()).toEqual([...new Set(inCode)].sort());
  for (const consumer of Object.keys(CONSUMERS)) expect(section).toContain(`\`${consumer}\``);
});

test('the transitions of docs/product.md are those of the code', () => {
  const table = readPage('docs/product.md').split('| From ')[1]!;
  const shown = [...table.matchAll(/^\| ([A-Z_]+) +\| ([A-Z_, ]*)\|$/gm)].map(([, from, to]) => [from, to!.trim()]);
  expect(shown).toEqual(Object.entries(TRANSITIONS).map(([from, to]) => [from, to.join(', ')]));
});
