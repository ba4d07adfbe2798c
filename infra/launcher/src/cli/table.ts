import { stripVTControlCharacters, styleText } from 'node:util';

export const bold = (text: string) => styleText('bold', text);

/** Columns as wide as their longest cell; the last one as it is. Colours take no room. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widthOf = (text: string) => stripVTControlCharacters(text).length;
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => widthOf(row[column]!))));
  const pad = (cell: string, column: number) => cell + ' '.repeat(widths[column]! - widthOf(cell));
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => (column === cells.length - 1 ? cell : pad(cell, column))).join('  ');
  return [bold(line(heads)), ...rows.map(line)];
}
