/** More texts than this are not statements of ours but text that somebody builds: those are not prepared. */
const MOST = 500;

const names = new Map<string, string>();

/**
 * The name under which PostgreSQL keeps a statement prepared, so that a connection parses and plans it once and not at each
 * transaction. Undefined for a text beyond the first 500 of this process.
 */
export function statementName(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MOST) return known;
  const name = `tx${names.size}`;
  names.set(text, name);
  return name;
}
