import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAsyncApiDocument, type AsyncApiDocument } from '@holdfast/shared/event-catalogue/asyncapi-document';
import { incompatibilities } from '@holdfast/shared/event-catalogue/compare-catalogues';
import { z } from 'zod';

export const CATALOGUE = 'docs/asyncapi.json';
/** The catalogue as the last release had it. */
export const RELEASED_CATALOGUE = 'docs/asyncapi.released.json';

/** What is wrong with the catalogue in the tree at `root`; one line for each finding. */
export function checkEventCatalogue(root: string): string[] {
  const document = currentCatalogue(root);
  const path = join(root, CATALOGUE);
  const old = !existsSync(path) || readFileSync(path, 'utf8') !== toText(document);
  return [
    ...(old ? [`${CATALOGUE} is not what the contracts say now: npm run event-catalogue`] : []),
    ...incompatibilities(readReleased(root), document).map((line) => `${line}; see docs/adding-a-use-case.md`),
  ];
}

/** The catalogue of the code that runs here, under the version of the package at `root`. */
export function currentCatalogue(root: string): AsyncApiDocument {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  return createAsyncApiDocument(version);
}

/** @throws when the file is missing: without it nothing would be compared. */
export function readReleased(root: string): AsyncApiDocument {
  return JSON.parse(readFileSync(join(root, RELEASED_CATALOGUE), 'utf8')) as AsyncApiDocument;
}

/** The released catalogue without the events that were given up on purpose. */
export function withoutEvents(released: AsyncApiDocument, dropped: ReadonlySet<string>): AsyncApiDocument {
  const messages = Object.entries(released.components.messages).filter(([type]) => !dropped.has(type));
  return { ...released, components: { ...released.components, messages: Object.fromEntries(messages) } };
}

export function toText(document: AsyncApiDocument): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
