import express, { type Response, type Router } from 'express';
import { z } from 'zod';
import type { Mailbox, Message } from './mailbox.ts';

/** Types that a browser may show by itself; everything else is a download. */
const SHOWN = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

const query = z.strictObject({
  to: z.string().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
});

/** The JSON side: what tests and the launcher ask. */
export function messagesApi(mailbox: Mailbox): Router {
  const router = express.Router();

  router.get('/messages', (request, response) => {
    const parsed = query.safeParse(request.query);
    if (!parsed.success) {
      const detail = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim()).join('; ');
      response.status(400).json({ error: detail });
      return;
    }
    response.json({ messages: mailbox.list(parsed.data).map(toJson) });
  });

  router.delete('/messages', (_request, response) => {
    response.json({ deleted: mailbox.clear() });
  });

  router.get('/messages/:id', (request, response) => {
    const message = mailbox.get(request.params.id);
    if (message) response.json(toJson(message));
    else notFound(response);
  });

  router.get('/messages/:id/raw', (request, response) => {
    const message = mailbox.get(request.params.id);
    // Plain text, not message/rfc822: a browser shows it instead of handing it to a mail program.
    if (message) lockDown(response).type('text/plain; charset=utf-8').send(message.raw);
    else notFound(response);
  });

  router.get('/messages/:id/attachments/:n', (request, response) => {
    const { id, n } = request.params;
    const attachment = /^\d{1,4}$/.test(n) ? mailbox.get(id)?.attachments[Number(n)] : undefined;
    if (!attachment) return notFound(response);
    const shown = SHOWN.has(attachment.content_type);
    lockDown(response)
      .attachment(attachment.filename)
      .set(
        'Content-Type',
        /^[\w.+-]+\/[\w.+-]+$/.test(attachment.content_type) ? attachment.content_type : 'application/octet-stream',
      );
    if (shown) response.removeHeader('Content-Disposition');
    response.send(Buffer.from(attachment.content));
  });

  return router;
}

function toJson(message: Message): object {
  const { raw: _, attachments, ...rest } = message;
  return { ...rest, attachments: attachments.map(({ content: __, ...attachment }) => attachment) };
}

/** Mail comes from anywhere: nothing of it may run with this origin's rights. */
function lockDown(response: Response): Response {
  return response
    .set('Content-Security-Policy', "default-src 'none'; sandbox")
    .set('X-Content-Type-Options', 'nosniff');
}

function notFound(response: Response): void {
  response.status(404).json({ error: 'no such message or attachment; only the last 1,000 messages are kept' });
}
