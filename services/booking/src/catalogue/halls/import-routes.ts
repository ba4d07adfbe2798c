import { isUtf8 } from 'node:buffer';
import express, { Router, type NextFunction, type Request, type Response } from 'express';
import { CSV_LIMIT_BYTES, hallBody, hallImportQuery } from '@holdfast/shared/contracts/catalogue';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { Problem } from '@holdfast/shared/problems';
import { createWith } from '../answer-create.ts';
import type { CatalogueDeps } from '../catalogue-deps.ts';
import { createHall } from './create-hall.ts';
import { readHallCsv } from './hall-csv-rules.ts';

/** A text with ten thousand wrong lines is not explained line by line. */
const ERRORS_SHOWN = 1_000;

/** `/halls/import`, to be mounted at /v1 behind requireAssertion and before bodies are taken for JSON. */
export function hallImportRoutes(deps: CatalogueDeps): Router {
  const router = Router();
  const readBody = express.raw({ type: 'text/csv', limit: CSV_LIMIT_BYTES, inflate: false });
  router.post('/halls/import', requireCsv, readBody, async (req, res) => {
    const caller = requireRole(req, 'admin');
    const query = parseQuery(hallImportQuery, req.query);
    const input = parseBody(hallBody, { ...query, rows: rowsOf(req.body) });
    const call = { path: '/v1/halls/import', collection: '/v1/halls', input, create: createHall };
    await createWith(deps, caller, req, res, call).catch(pointToQuery);
  });
  return router;
}

/** The venue stands in the query here, not in a body. */
function pointToQuery(error: unknown): never {
  if (!(error instanceof Problem) || !error.options.errors) throw error;
  const errors = error.options.errors.map((field) =>
    field.pointer === '/venue_id' ? { ...field, pointer: '?venue_id' } : field,
  );
  throw new Problem(error.code, { ...error.options, errors });
}

function requireCsv(req: Request, _res: Response, next: NextFunction): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(req.headers['content-type'] ?? '')?.[1];
  if (!req.is('text/csv') || (charset !== undefined && charset.toLowerCase() !== 'utf-8')) {
    throw new Problem('unsupported_media_type', { detail: 'Send Content-Type: text/csv, in UTF-8.' });
  }
  next();
}

function rowsOf(body: unknown) {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (!isUtf8(bytes)) throw new Problem('malformed_request', { detail: 'the text is not UTF-8' });
  // Spreadsheets like to begin with a byte order mark.
  const result = readHallCsv(bytes.toString('utf8').replace(/^\ufeff/, ''));
  if ('rows' in result) return result.rows;
  const { errors } = result;
  throw new Problem('validation_failed', {
    detail: `${errors.length} ${errors.length === 1 ? 'error' : 'errors'}; nothing was imported`,
    errors: errors
      .slice(0, ERRORS_SHOWN)
      .map(({ line, code, message }) => ({ pointer: `line:${line}`, code, message })),
  });
}
