import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import type { CsrfGuard } from './csrf.ts';
import type { OpenedSession } from './open-session.ts';
import { prefersCookies, setSessionCookies } from './session-cookies.ts';

/** Sends a session in the form that the client prefers: all in the body, or the tokens in cookies. */
export function answerSession(
  req: IncomingMessage,
  res: Response,
  csrf: CsrfGuard,
  session: OpenedSession,
  status = 200,
): void {
  const body = prefersCookies(req)
    ? setSessionCookies(res, session.answer, csrf.tokenFor(session.sessionId))
    : session.answer;
  res.status(status).json(body);
}
