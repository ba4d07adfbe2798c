import { hallRow } from '@holdfast/shared/contracts/catalogue';
import type { HallRow } from '../../inventory/hall-layout.ts';
import { readCsv, type CsvError, type CsvRecord } from './csv-rules.ts';

const COLUMNS = ['row', 'seats', 'category', 'accessible'];
const REQUIRED = ['row', 'seats'];
const MOST_ROWS = 500;
const MOST_SEATS = 100_000;

/**
 * The rows of a hall from a CSV text, from the front. The first line names the columns, in any order: `row` and `seats`, and
 * `category` and `accessible` (seat numbers with spaces or semicolons between them) where they are needed. All or nothing: with
 * anything wrong there are only errors, each with its line, in order.
 */
export function readHallCsv(text: string): { rows: HallRow[] } | { errors: CsvError[] } {
  const { records, errors } = readCsv(text);
  const header = records.shift();
  // Where the first line cannot be read, nothing can be said of the others.
  if (header === undefined || errors.some(({ line }) => line < header.line)) {
    return {
      errors: errors.length > 0 ? errors : [{ line: 1, code: 'required', message: 'the columns must be named' }],
    };
  }
  const wrongHeader = checkHeader(header);
  if (wrongHeader.length > 0) return { errors: wrongHeader };

  const rows: HallRow[] = [];
  const lineOf = new Map<string, number>();
  let seats = 0;
  for (const record of records) {
    const row = readRow(header.cells, record);
    if ('errors' in row) {
      errors.push(...row.errors);
      continue;
    }
    const refuse = (code: string, message: string) => errors.push({ line: record.line, code, message });
    const before = lineOf.get(row.row);
    if (before !== undefined) refuse('duplicate_row', `row: ${row.row} stands on line ${before} already`);
    else lineOf.set(row.row, record.line);
    if (rows.length === MOST_ROWS) refuse('too_big', `a hall has at most ${MOST_ROWS} rows`);
    if (seats <= MOST_SEATS && seats + row.seats > MOST_SEATS) {
      refuse('too_big', `a hall has at most ${MOST_SEATS.toLocaleString('en')} seats`);
    }
    seats += row.seats;
    rows.push(row);
  }
  if (rows.length === 0 && errors.length === 0) {
    errors.push({ line: header.line, code: 'required', message: 'there is no row below this line' });
  }
  return errors.length > 0 ? { errors: errors.sort((a, b) => a.line - b.line) } : { rows };
}

function checkHeader({ line, cells }: CsvRecord): CsvError[] {
  const known = `the columns are ${COLUMNS.join(', ')}`;
  const wrong = cells.flatMap((name, index) => {
    if (!COLUMNS.includes(name)) return [{ line, code: 'unknown_column', message: `${name}: ${known}` }];
    if (cells.indexOf(name) < index) return [{ line, code: 'duplicate_column', message: `${name}: stands twice` }];
    return [];
  });
  const missing = REQUIRED.filter((name) => !cells.includes(name));
  return [...wrong, ...missing.map((name) => ({ line, code: 'required', message: `${name}: this column is missing` }))];
}

function readRow(columns: readonly string[], { line, cells }: CsvRecord): HallRow | { errors: CsvError[] } {
  if (cells.length !== columns.length) {
    const message = `${cells.length} cells where the first line names ${columns.length}`;
    return { errors: [{ line, code: 'wrong_columns', message }] };
  }
  const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
  const result = hallRow.safeParse({
    row: cell('row'),
    seats: numberOf(cell('seats')),
    category: cell('category') === '' ? undefined : cell('category'),
    accessible: cell('accessible')
      .split(/[\s;]+/)
      .filter((text) => text !== '')
      .map(numberOf),
  });
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, code, message }) => ({
    line,
    code,
    // Every cell is text, so the only wrong type is a number that is none.
    message: `${String(path[0])}: ${code === 'invalid_type' ? 'must be a whole number' : message}`,
  }));
  return { errors };
}

/** A number that is written in digits alone; else NaN, which no rule lets pass. */
function numberOf(text: string): number {
  return /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
}
