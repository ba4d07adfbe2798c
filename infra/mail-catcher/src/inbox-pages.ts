import express, { type Response, type Router } from 'express';
import type { Mailbox, Message } from './mailbox.ts';

const SHOWN_IN_LIST = 200;
const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}
iframe{width:100%;height:36rem;border:1px solid #ccc}pre{white-space:pre-wrap;background:#f6f6f6;padding:1rem}img{max-width:16rem;image-rendering:pixelated}`;
/** The page itself: no scripts at all, pictures and frames of its own only. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-src 'self'; frame-ancestors 'none'";
/** The mail's HTML, in its frame: an origin of its own, no scripts, nothing fetched from anywhere. */
const MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/** The inbox for people: a list, and one message with its text, its HTML and its pictures. */
export function inboxPages(mailbox: Mailbox): Router {
  const router = express.Router();

  router.get('/', (_request, response) => {
    const rows = mailbox
      .list({ limit: SHOWN_IN_LIST })
      .map(
        (message) =>
          `<tr><td>${message.received_at}</td><td>${escapeHtml(message.to.join(', '))}</td><td><a href="/view/${message.id}">${escapeHtml(message.subject || '(no subject)')}</a></td><td>${message.attachments.length || ''}</td></tr>`,
      );
    sendPage(
      response,
      'Mail catcher',
      `<p>${mailbox.size} messages in memory. None of them has left this machine, and a restart forgets them.</p>
<table><tr><th>Received</th><th>To</th><th>Subject</th><th>Attachments</th></tr>${rows.join('\n')}</table>`,
    );
  });

  router.get('/view/:id', (request, response) => {
    const message = mailbox.get(request.params.id);
    if (!message) return noSuchMessage(response);
    const attachments = message.attachments.map((attachment, index) => {
      const href = `/messages/${message.id}/attachments/${index}`;
      const link = `<a href="${href}">${escapeHtml(attachment.filename)}</a> (${escapeHtml(attachment.content_type)}, ${attachment.size} bytes)`;
      const picture = /^image\/(png|jpeg|gif|webp)$/.test(attachment.content_type);
      return `<li>${link}${picture ? `<br><img src="${href}" alt="${escapeHtml(attachment.filename)}">` : ''}</li>`;
    });
    const frame =
      message.html === undefined
        ? ''
        : `<iframe sandbox="" src="/view/${message.id}/html" title="HTML of the message"></iframe>`;
    sendPage(
      response,
      message.subject || '(no subject)',
      `<p><a href="/">All messages</a> · <a href="/messages/${message.id}/raw">raw</a></p>
<p>From ${escapeHtml(message.from)} to ${escapeHtml(message.to.join(', '))}, ${message.received_at}</p>
${frame}<ul>${attachments.join('\n')}</ul><pre>${escapeHtml(message.text)}</pre>`,
    );
  });

  router.get('/view/:id/html', (request, response) => {
    const message = mailbox.get(request.params.id);
    if (message?.html === undefined) return noSuchMessage(response);
    response
      .set('Content-Security-Policy', MAIL_POLICY)
      .set('X-Content-Type-Options', 'nosniff')
      .type('html')
      .send(withPictures(message, message.html));
  });

  return router;
}

/** Puts pictures that the HTML names by `cid:` into it, as its frame may fetch nothing. */
function withPictures(message: Message, html: string): string {
  return html.replace(/cid:([^"'\s)>]+)/g, (reference, content_id: string) => {
    const picture = message.attachments.find((attachment) => attachment.content_id === content_id);
    if (!picture || !/^image\/[\w.+-]+$/.test(picture.content_type)) return reference;
    return `data:${picture.content_type};base64,${Buffer.from(picture.content).toString('base64')}`;
  });
}

function noSuchMessage(response: Response): void {
  response.status(404);
  sendPage(response, 'No such message', '<p><a href="/">All messages</a></p>');
}

function sendPage(response: Response, title: string, body: string): void {
  response
    .set('Content-Security-Policy', PAGE_POLICY)
    .set('X-Content-Type-Options', 'nosniff')
    .type('html')
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style><h1>${escapeHtml(title)}</h1>${body}</html>`,
    );
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
