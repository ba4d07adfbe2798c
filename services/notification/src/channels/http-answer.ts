const ANSWER_LIMIT_BYTES = 64 * 1024;
const SHOWN_CHARACTERS = 1_000;
const LONGEST_PAUSE_MS = 24 * 3_600_000;

/** Retry-After, seconds or a date (RFC 9110), as ms from now; null when it says nothing that can be understood. */
export function pauseOf(header: string | string[] | undefined): number | null {
  if (typeof header !== 'string') return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) || ms <= 0 ? null : Math.min(ms, LONGEST_PAUSE_MS);
}

/**
 * Reads the body of an answer up to 64 KiB and leaves the rest; the first thousand characters of it, which can be kept and shown. An answer
 * that breaks off has still been given.
 */
export async function readStart(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= ANSWER_LIMIT_BYTES) break;
    }
  } catch {
    // The status has come, and it decides.
  }
  body.destroy();
  return Buffer.concat(chunks).toString('utf8').replaceAll('\0', '\ufffd').slice(0, SHOWN_CHARACTERS);
}
