import { raw, type Request, type Response } from 'express';
import { QUOTE_ANSWER, QUOTE_REQUEST, quoteRequest } from '@holdfast/shared/contracts/quotes';
import { createApp, jsonBody, listen, type RunningServer } from '@holdfast/shared/http/app';
import { SIGNATURE_HEADER, signBody, verifyBody } from '@holdfast/shared/http/body-signature';
import { z } from 'zod';
import { answerQuestion } from './answer-question.ts';
import type { Config } from './config.ts';

const closing = z.strictObject({ reason: z.string().regex(/^[a-z0-9_]{1,64}$/) });

/** Listens for questions. @throws Error when the port is taken. */
export async function startQuoter(config: Config): Promise<RunningServer> {
  const closed = new Map<string, string>();
  const app = createApp();
  app.get(['/livez', '/readyz'], (_req: Request, res: Response) => {
    res.json({ status: 'ok' });
  });

  // The signature is over the bytes, so the bytes are what is read.
  app.post('/quotes', raw({ type: 'application/json', limit: '256kb' }), (req: Request, res: Response) => {
    const header = req.headers[SIGNATURE_HEADER];
    const body: unknown = req.body;
    if (!Buffer.isBuffer(body)) {
      res.status(415).json({ error: 'send application/json' });
      return;
    }
    if (!verifyBody(config.keys, QUOTE_REQUEST, body, typeof header === 'string' ? header : undefined)) {
      res.status(401).json({ error: `${SIGNATURE_HEADER} is missing or wrong` });
      return;
    }
    const parsed = quoteRequest.safeParse(parseJson(body.toString('utf8')));
    if (!parsed.success) {
      res.status(422).json({ error: z.prettifyError(parsed.error) });
      return;
    }
    const answer = JSON.stringify(answerQuestion(parsed.data, closed, config.quoteSeconds));
    res
      .set({ 'content-type': 'application/json', [SIGNATURE_HEADER]: signBody(config.keys[0]!, QUOTE_ANSWER, answer) })
      .send(answer);
  });

  app.put('/closed-events/:id', jsonBody(), (req: Request<{ id: string }>, res: Response) => {
    const parsed = closing.safeParse(req.body);
    if (!parsed.success) {
      res.status(422).json({ error: z.prettifyError(parsed.error) });
      return;
    }
    closed.set(req.params.id, parsed.data.reason);
    res.status(204).end();
  });
  app.delete('/closed-events/:id', (req: Request<{ id: string }>, res: Response) => {
    closed.delete(req.params.id);
    res.status(204).end();
  });
  return listen(app, config);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
