import type { IncomingMessage } from 'node:http';

/** How long the gateway still waits for the answer, in ms from when it sent the call. */
export const DEADLINE_HEADER = 'holdfast-deadline-ms';

/** The time that a caller still waits, at most `most`; `most` when it does not say. In ms. */
export function timeLeft(req: IncomingMessage, most: number): number {
  const header = req.headers[DEADLINE_HEADER];
  const given = typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : most;
  return Math.min(given, most);
}
