import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { JSON_LIMIT_BYTES } from '@holdfast/shared/http/app';
import { Problem } from '@holdfast/shared/problems';
import { checkDepth, checkValue } from './json-shape.ts';

export const WEBHOOK_LIMIT_BYTES = 1024 * 1024;

/** A JSON body as it came and as it reads; null when the request has none. */
export interface JsonBody {
  readonly text: string;
  readonly value: object;
}

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i;

function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || (req.headers['content-length'] ?? '0') !== '0';
}

/** Reads a body byte for byte. @throws Problem `payload_too_large` or `malformed_request` (the client went away). */
export function readBytes(req: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > limit) return Promise.reject(new Problem('payload_too_large'));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        req.off('data', onData);
        // What still comes is thrown away, so that the client can read its answer.
        req.resume();
        reject(new Problem('payload_too_large'));
        return;
      }
      chunks.push(chunk);
    };
    req.on('data', onData);
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    req.on('error', () => reject(new Problem('malformed_request')));
    req.on('close', () => {
      if (!req.complete) reject(new Problem('malformed_request'));
    });
  });
}

/**
 * Reads a JSON body of up to 64 KiB, for every route that takes one. The text is kept: it is what goes on to a service.
 * @throws Problem `unsupported_media_type`, `payload_too_large`, `malformed_json`, or `validation_failed` for JSON that is no object or
 * holds what `checkValue` refuses.
 */
export function readJson(req: IncomingMessage & WithBody): Promise<JsonBody | null> {
  return (req[BODY] ??= parseJson(req));
}

const BODY = Symbol('body');

/** A body can be read once; who looks at it before the route must not take it away. */
interface WithBody {
  [BODY]?: Promise<JsonBody | null>;
}

async function parseJson(req: IncomingMessage): Promise<JsonBody | null> {
  if (!hasBody(req)) return null;
  if (!JSON_TYPE.test(req.headers['content-type'] ?? '') || !isPlain(req)) throw new Problem('unsupported_media_type');
  const bytes = await readBytes(req, JSON_LIMIT_BYTES);
  // A chunked body may turn out to be empty.
  if (bytes.length === 0) return null;
  if (!isUtf8(bytes)) throw new Problem('malformed_json', { detail: 'the body is not UTF-8' });
  const text = bytes.toString('utf8');
  checkDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem('malformed_json');
  }
  if (typeof value !== 'object' || value === null) {
    throw new Problem('validation_failed', {
      errors: [{ pointer: '/', code: 'invalid_type', message: 'the body must be a JSON object' }],
    });
  }
  checkValue(text, value);
  return { text, value };
}

/** Reads a body of another type than JSON byte for byte. @throws Problem `unsupported_media_type` or as `readBytes`. */
export function readRaw(
  req: IncomingMessage,
  { type, limitBytes }: { type: string; limitBytes: number },
): Promise<Buffer> {
  const given = (req.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (given !== type || !isPlain(req)) {
    throw new Problem('unsupported_media_type', { detail: `Send Content-Type: ${type}, without Content-Encoding.` });
  }
  return readBytes(req, limitBytes);
}

/** Compressed bodies are refused: a small one can unpack to anything. */
function isPlain(req: IncomingMessage): boolean {
  const encoding = req.headers['content-encoding'];
  return encoding === undefined || encoding.toLowerCase() === 'identity';
}
