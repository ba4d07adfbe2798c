import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Express, Request, Response } from 'express';
import { createOpenApiDocument } from './document.ts';
import { ROUTES } from './route-table.ts';

const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
};

// Everything comes from here; the page's own styles are what the bundle puts into the document.
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Holdfast API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>`;

// A file of its own, because the policy lets no script stand in the page.
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', deepLinking: true, persistAuthorization: false });`;

/** GET /openapi.json and the interactive GET /docs, from files of this machine only. */
export function mountDocs(app: Express): void {
  const document = JSON.stringify(createOpenApiDocument(ROUTES));
  const assetDir = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

  app.get('/openapi.json', (_req: Request, res: Response) => {
    res.type('application/json').send(document);
  });
  app.get('/docs', (_req: Request, res: Response) => {
    res.set('Content-Security-Policy', PAGE_POLICY).type('html').send(PAGE);
  });
  app.get('/docs/start.js', (_req: Request, res: Response) => {
    res.type('text/javascript').send(START);
  });
  for (const [file, type] of Object.entries(ASSETS)) {
    app.get(`/docs/${file}`, (_req: Request, res: Response) => {
      res.type(type).sendFile(file, { root: assetDir, maxAge: '1h' });
    });
  }
}
