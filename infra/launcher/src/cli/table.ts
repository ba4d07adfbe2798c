import { styleText } from 'node:util';

export const bold = (text: string) => styleText('bold', text);

/** Columns as wide as their longest cell; the last one as it is. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]!))).join('  ');
  return [bold(line(heads)), ...rows.map(line)];
}
