import type { Request, Response } from 'express';
import { Problem } from '@holdfast/shared/problems';

/** A strong entity tag of a version: `"7"`. */
export function etagOf(version: number | bigint | string): string {
  return `"${version}"`;
}

/** Whether the client has this very version already, by its If-None-Match (weak comparison, as RFC 9110 asks for). */
export function isNotModified(req: Request, etag: string): boolean {
  const header = req.headers['if-none-match'];
  if (header === undefined) return false;
  return header.split(',').some((part) => {
    const tag = part.trim();
    return tag === '*' || tag === etag || tag === `W/${etag}`;
  });
}

/** Answers a read of one versioned object: 304 without a body to who has it, else 200. Caches must ask each time. */
export function sendVersioned(req: Request, res: Response, object: { version: number }): void {
  const etag = etagOf(object.version);
  res.set({ ETag: etag, 'Cache-Control': 'no-cache' });
  if (isNotModified(req, etag)) res.status(304).end();
  else res.json(object);
}

/**
 * The If-Match of a change. @throws Problem `version_required` without one, and for `*`: whoever changes an object must have seen the
 * version that the change is made to.
 */
export function requireIfMatch(req: Request): string {
  const header = req.headers['if-match'];
  if (header === undefined || header.trim() === '' || header.trim() === '*') throw new Problem('version_required');
  return header;
}

/** Whether an If-Match names this version (strong comparison, as RFC 9110 asks for). */
export function matchesVersion(ifMatch: string, version: number): boolean {
  return ifMatch.split(',').some((tag) => tag.trim() === etagOf(version));
}
