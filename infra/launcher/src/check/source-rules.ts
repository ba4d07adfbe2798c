import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineOf, readSource } from './literals.ts';

/** Rules on our SQL and tests that no linter knows. */

/** Business time can be moved by a test; these cannot, and code that reads them goes its own way when the clock is moved. */
const SERVER_TIME =
  /\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(\s*\)|\b(?:current_timestamp|localtimestamp|current_date|current_time|localtime)\b/gi;
/**
 * `select *`, `select b.*` and a last `returning *`: during a deployment two versions of a table's columns meet. Inside parentheses
 * `returning *` only hands on to a query that lists what it takes.
 */
const STAR = /\bselect\s+(?:\w+\.)?\*\s+from\s+(?:only\s+)?(?<from>[\w."]+)(?<call>\s*\()?|\breturning\s+\*(?!\s*\))/gi;
const TEST_FUNCTION = /^(?:test|it|describe)$/;

/** The definition of clock.app_now(), and the helpers that move it and prove it against the server's own time. */
const CLOCK_FILES = /^packages\/shared\/src\/(?:db\/bootstrap\.ts$|testing\/)/;
/** The rules themselves, and examples that break them. */
const RULES_FOLDER = 'infra/launcher/src/check/';
const FOLDERS = ['services', 'packages', 'infra', 'tests', 'bench'];

/** Checks one file's text. @returns lines `path:line: what is wrong`, empty when nothing is. `path` is relative, with slashes. */
export function checkSource(path: string, source: string): string[] {
  if (path.endsWith('.sql')) {
    return serverTime(withoutSqlComments(source)).map((found) => at(path, source, found.index, found.message));
  }
  let parsed;
  try {
    parsed = readSource(source);
  } catch (error) {
    return [`${path}:1: cannot be parsed: ${error instanceof Error ? error.message : String(error)}`];
  }
  // A test that looks at whole rows wants to notice a new column.
  const isTest = path.endsWith('.test.ts');
  const findings: string[] = [];
  for (const literal of parsed.literals) {
    const sql = withoutSqlComments(literal.text);
    const found = [...(CLOCK_FILES.test(path) ? [] : serverTime(sql)), ...(isTest ? [] : stars(sql, source))];
    findings.push(...found.map(({ index, message }) => at(path, source, literal.start + index, message)));
  }
  if (isTest) {
    for (const [index, token] of parsed.tokens.entries()) {
      const [owner, dot] = parsed.tokens.slice(Math.max(0, index - 2), index);
      if (token.text === 'todo' && dot?.text === '.' && TEST_FUNCTION.test(owner?.text ?? '')) {
        findings.push(at(path, source, token.start, 'a test to be written is written, not announced (.todo)'));
      }
    }
  }
  return findings;
}

/** Checks every .ts and .sql file of the workspace below `root`. */
export function checkWorkspace(root: string): string[] {
  return FOLDERS.flatMap((folder) => [...sourceFiles(root, folder)])
    .filter((path) => !path.startsWith(RULES_FOLDER))
    .flatMap((path) => checkSource(path, readFileSync(join(root, path), 'utf8')));
}

function* sourceFiles(root: string, folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !['node_modules', 'coverage', 'results'].includes(entry.name))
      yield* sourceFiles(root, path);
    if (entry.isFile() && /\.(?:ts|sql)$/.test(entry.name)) yield path;
  }
}

interface Found {
  readonly index: number;
  readonly message: string;
}

function serverTime(sql: string): Found[] {
  return [...sql.matchAll(SERVER_TIME)].map((match) => ({
    index: match.index,
    message: `${match[0].toLowerCase()} in SQL: business time is clock.app_now()`,
  }));
}

/** `source` is the whole file: a statement with placeholders reaches over several literals. */
function stars(sql: string, source: string): Found[] {
  return [...sql.matchAll(STAR)]
    .filter((match) => !isDerived(match.groups, source))
    .map((match) => ({ index: match.index, message: `"${match[0].replaceAll(/\s+/g, ' ')}": list the columns` }));
}

/** A function's result and a query named in the same statement list their columns themselves. */
function isDerived(groups: Record<string, string | undefined> | undefined, source: string): boolean {
  const from = groups?.['from'];
  if (from === undefined) return false;
  if (groups?.['call'] !== undefined) return true;
  const name = from.replaceAll(/\W/g, '\\$&');
  return new RegExp(`\\b${name}\\s+as\\s+(?:not\\s+)?(?:materialized\\s+)?\\(`, 'i').test(source);
}

/** Comments become spaces, so that offsets stay. */
function withoutSqlComments(sql: string): string {
  return sql.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '));
}

function at(path: string, source: string, offset: number, message: string): string {
  return `${path}:${lineOf(source, offset)}: ${message}`;
}
