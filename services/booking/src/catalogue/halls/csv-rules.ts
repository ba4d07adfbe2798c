/** One record of a CSV text with the line on which it begins, 1 first. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

export interface CsvError {
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

/** One cell with the position behind it, or what is wrong with its quotes and where that was seen. */
type Cell = { readonly text: string; readonly end: number } | { readonly wrong: string; readonly end: number };

/**
 * Reads comma-separated values (RFC 4180): cells may be quoted, a quote in a quoted cell is doubled, lines end with LF or CRLF. Space
 * around a bare cell is dropped, empty lines are skipped. A record with wrong quoting is an error of the line on which it begins;
 * reading goes on with the line after that one, whatever the quotes seem to span, so that all errors of a text are found at once.
 */
export function readCsv(text: string): { records: CsvRecord[]; errors: CsvError[] } {
  const records: CsvRecord[] = [];
  const errors: CsvError[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const start = at;
    const cells: string[] = [];
    let wrong: string | null = null;
    for (;;) {
      const cell = text[at] === '"' ? quotedCell(text, at) : bareCell(text, at);
      at = cell.end;
      if ('wrong' in cell) {
        wrong = cell.wrong;
        break;
      }
      cells.push(cell.text);
      if (text[at] !== ',') break;
      at++;
    }
    const newline = text.indexOf('\n', wrong === null ? at : start);
    at = newline < 0 ? text.length : newline + 1;
    if (wrong !== null) errors.push({ line, code: 'wrong_quoting', message: wrong });
    else if (cells.length > 1 || cells[0] !== '') records.push({ line, cells });
    for (let i = start; i < at; i++) if (text[i] === '\n') line++;
  }
  return { records, errors };
}

function bareCell(text: string, at: number): Cell {
  let end = at;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n') {
    if (text[end] === '"') return { wrong: 'a quote in a cell that does not begin with one', end };
    end++;
  }
  return { text: text.slice(at, end).trim(), end };
}

function quotedCell(text: string, at: number): Cell {
  let content = '';
  let from = at + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    // Perhaps the quote was a slip: the next line is read as if it had ended.
    if (quote < 0) return { wrong: 'a quoted cell that does not end', end: at };
    content += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const end = text.startsWith('\r\n', quote + 1) ? quote + 2 : quote + 1;
      const next = text[end];
      if (next !== undefined && next !== ',' && next !== '\n') return { wrong: 'text behind a closing quote', end };
      return { text: content, end };
    }
    content += '"';
    from = quote + 2;
  }
}
