import { PROBLEMS, Problem, type ProblemCode } from '@holdfast/shared/problems';
import type { Express, Request, Response } from 'express';

const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}td,th{text-align:left;padding:.2rem .8rem .2rem 0}';

/** GET /problems and /problems/:code: what a problem's `type` leads to. JSON for clients that ask for it. */
export function mountProblemPages(app: Express): void {
  app.get('/problems', (req: Request, res: Response) => {
    const codes = Object.keys(PROBLEMS) as ProblemCode[];
    if (wantsJson(req)) {
      res.json({ object: 'list', data: codes.map(toJson), has_more: false, next_cursor: null });
      return;
    }
    const rows = codes.map(
      (code) =>
        `<tr><td>${PROBLEMS[code].status}</td><td><a href="/problems/${code}">${code}</a></td><td>${escapeHtml(PROBLEMS[code].title)}</td></tr>`,
    );
    sendPage(res, 'Problems', `<table><tr><th>Status</th><th>Code</th><th>Title</th></tr>${rows.join('')}</table>`);
  });
  app.get('/problems/:code', (req: Request<{ code: string }>, res: Response) => {
    const { code } = req.params;
    if (!isProblemCode(code)) throw new Problem('not_found');
    if (wantsJson(req)) {
      res.json(toJson(code));
      return;
    }
    const { status, title, about, retryable } = PROBLEMS[code];
    sendPage(
      res,
      title,
      `<p><code>${code}</code>, status ${status}</p><p>${escapeHtml(about)}</p><p>${
        retryable ? 'The same request may succeed later.' : 'Repeating the same request gives the same answer.'
      }</p><p><a href="/problems">All problems</a></p>`,
    );
  });
}

function isProblemCode(code: string): code is ProblemCode {
  // Not `in`: /problems/constructor is not a problem of ours.
  return Object.hasOwn(PROBLEMS, code);
}

function toJson(code: ProblemCode) {
  const { status, title, about, retryable } = PROBLEMS[code];
  return { type: `/problems/${code}`, code, status, title, about, retryable };
}

function wantsJson(req: Request): boolean {
  return req.accepts(['html', 'json']) === 'json';
}

function sendPage(res: Response, title: string, content: string): void {
  res
    .set('Content-Security-Policy', PAGE_POLICY)
    .type('html')
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style><h1>${escapeHtml(title)}</h1>${content}</html>`,
    );
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
