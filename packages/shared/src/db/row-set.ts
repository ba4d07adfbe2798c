/**
 * Many rows as parameters of one statement: an array for each column, in PostgreSQL's binary form, so that neither side escapes or
 * parses text. The server takes `json_to_recordset` apart at about four times the price. Layout of an array: array_send in
 * PostgreSQL's src/backend/utils/adt/arrayfuncs.c.
 */

type ColumnType = 'text' | 'int4' | 'timestamptz';
type ValueOf<T extends ColumnType> = (T extends 'text' ? string : T extends 'int4' ? number : Date) | null;
type Column<Row> = { [T in ColumnType]: readonly [name: string, type: T, of: (row: Row) => ValueOf<T>] }[ColumnType];

/** Ids of the element types in pg_type. */
const OIDS: Readonly<Record<ColumnType, number>> = { text: 25, int4: 23, timestamptz: 1184 };

export interface RowSet<Row> {
  /** How many parameters the rows take. */
  readonly width: number;
  /** For a FROM clause, with the parameters from `$first` on: `unnest($2::text[], $3::int4[]) as row (name, count)`. */
  from(first: number): string;
  /** The parameters, one for each column. @throws RangeError for a number that is no int4, or a date that is none. */
  values(rows: readonly Row[]): Buffer[];
}

/** Describes the columns of rows: name, type, and how to get the value of a row. */
export function rowSet<Row>(columns: readonly Column<Row>[]): RowSet<Row> {
  return {
    width: columns.length,
    from(first) {
      const arrays = columns.map(([, type], index) => `$${first + index}::${type}[]`);
      return `unnest(${arrays.join(', ')}) as row (${columns.map(([name]) => name).join(', ')})`;
    },
    values: (rows) =>
      columns.map(([, type, of]) => {
        if (rows.length === 0) return EMPTY[type];
        const at = writeHead(type, rows.length);
        switch (type) {
          case 'text':
            return writeTexts(rows, of, at);
          case 'int4':
            return writeInts(rows, of, at);
          case 'timestamptz':
            return writeTimes(rows, of, at);
          default:
            return type satisfies never;
        }
      }),
  };
}

const HEAD_BYTES = 20;
const EMPTY = {
  text: emptyArray('text'),
  int4: emptyArray('int4'),
  timestamptz: emptyArray('timestamptz'),
} as const;

/** No dimension, no NULL, and the type of the elements. */
function emptyArray(type: ColumnType): Buffer {
  const array = Buffer.alloc(12);
  array.writeInt32BE(OIDS[type], 8);
  return array;
}

/** Arrays are written here and copied out, since the length of a text is known when it is written. One at a time: nothing here waits. */
let scratch = Buffer.allocUnsafe(64 * 1024);

function reserve(end: number): void {
  if (end <= scratch.length) return;
  const larger = Buffer.allocUnsafe(Math.max(end, 2 * scratch.length));
  scratch.copy(larger);
  scratch = larger;
}

/** One dimension from 1 to `length`. Returns where the elements begin. */
function writeHead(type: ColumnType, length: number): number {
  scratch.writeInt32BE(1, 0);
  // Whether there are NULLs; the server looks for itself.
  scratch.writeInt32BE(1, 4);
  scratch.writeInt32BE(OIDS[type], 8);
  scratch.writeInt32BE(length, 12);
  scratch.writeInt32BE(1, 16);
  return HEAD_BYTES;
}

function writeNull(at: number): number {
  reserve(at + 4);
  return scratch.writeInt32BE(-1, at);
}

function taken(end: number): Buffer {
  return Buffer.from(scratch.subarray(0, end));
}

function writeTexts<Row>(rows: readonly Row[], of: (row: Row) => string | null, start: number): Buffer {
  let at = start;
  for (const row of rows) {
    const value = of(row);
    if (value === null) {
      at = writeNull(at);
      continue;
    }
    // UTF-8 takes three bytes at most for a unit of UTF-16.
    reserve(at + 4 + 3 * value.length);
    const bytes = scratch.write(value, at + 4);
    scratch.writeInt32BE(bytes, at);
    at += 4 + bytes;
  }
  return taken(at);
}

function writeInts<Row>(rows: readonly Row[], of: (row: Row) => number | null, start: number): Buffer {
  let at = start;
  for (const row of rows) {
    const value = of(row);
    if (value === null) {
      at = writeNull(at);
      continue;
    }
    if (!Number.isInteger(value)) throw new RangeError(`${value} is not an integer`);
    reserve(at + 8);
    at = scratch.writeInt32BE(value, scratch.writeInt32BE(4, at));
  }
  return taken(at);
}

const EPOCH_MS = Date.UTC(2000, 0, 1);

/** Microseconds since the year 2000. */
function writeTimes<Row>(rows: readonly Row[], of: (row: Row) => Date | null, start: number): Buffer {
  let at = start;
  for (const row of rows) {
    const value = of(row);
    if (value === null) {
      at = writeNull(at);
      continue;
    }
    const ms = value.getTime();
    if (Number.isNaN(ms)) throw new RangeError('not a date');
    reserve(at + 12);
    at = scratch.writeBigInt64BE(BigInt(ms - EPOCH_MS) * 1000n, scratch.writeInt32BE(8, at));
  }
  return taken(at);
}

/** A list as the text of a PostgreSQL array, for a column of a row that is a list itself; `::text[]` reads it. */
export function arrayLiteral(values: readonly string[]): string {
  return values.length === 0 ? '{}' : `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
