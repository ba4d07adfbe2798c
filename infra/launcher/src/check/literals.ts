import { stripTypeScriptTypes } from 'node:module';
import { parse, type Token } from 'acorn';

/** A token, or a string, or a piece of a template between its placeholders, as written in the source. */
export interface Piece {
  readonly text: string;
  /** Offset in the source. */
  readonly start: number;
}

/** A source file taken apart: literals where SQL may be, and the tokens. Comments are in neither. */
export interface Source {
  readonly literals: readonly Piece[];
  readonly tokens: readonly Piece[];
}

/** Parses a TypeScript file with erasable types. @throws SyntaxError when it is not one. */
export function readSource(source: string): Source {
  // Types become spaces, so that every offset stays what it was.
  const javascript = stripTypeScriptTypes(source);
  const tokens: Token[] = [];
  parse(javascript, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true, onToken: tokens });
  const toPiece = ({ start, end }: Token) => ({ text: javascript.slice(start, end), start });
  const isLiteral = ({ type }: Token) => type.label === 'string' || type.label === 'template';
  return { literals: tokens.filter(isLiteral).map(toPiece), tokens: tokens.map(toPiece) };
}

/** Line of an offset, counted from 1. */
export function lineOf(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length;
}
