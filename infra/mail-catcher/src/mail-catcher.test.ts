import { afterEach, describe, expect, test } from '@jest/globals';
import { createTransport } from 'nodemailer';
import { startMailCatcher } from './mail-catcher.ts';
import { Mailbox, type Limits } from './mailbox.ts';

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface ListedMessage {
  id: string;
  to: string[];
  subject: string;
  text: string;
  html?: string;
  attachments: { filename: string; content_type: string; size: number; content_id?: string }[];
}

async function setup(limits?: Limits) {
  const mailbox = new Mailbox(limits);
  const catcher = await startMailCatcher({ host: '127.0.0.1', http_port: 0, smtp_port: 0 }, { mailbox });
  cleanups.push(() => catcher.stop());
  const transport = createTransport({ host: '127.0.0.1', port: catcher.smtp_port, secure: false });
  cleanups.push(() => transport.close());
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${catcher.http_port}${path}`);
  const list = async (query = ''): Promise<ListedMessage[]> =>
    ((await (await get(`/messages${query}`)).json()) as { messages: ListedMessage[] }).messages;
  const send = (mail: object = {}): Promise<unknown> =>
    transport.sendMail({
      from: 'desk@venue.test',
      to: 'ann@example.test',
      subject: 'Your booking',
      text: 'See you',
      ...mail,
    });
  return { send, list, get, base: `http://127.0.0.1:${catcher.http_port}` };
}

describe('a message that was sent', () => {
  test('is found by its recipient, decoded, with its attachments', async () => {
    const { send, list, get } = await setup();
    await send({
      subject: 'Bestätigung ✓',
      html: '<p>Grüße</p><img src="cid:qr">',
      attachments: [
        { filename: 'qr.png', content: PIXEL, cid: 'qr' },
        { filename: 'booking.ics', content: 'BEGIN:VCALENDAR', contentType: 'text/calendar', encoding: 'base64' },
      ],
    });
    const [message] = await list('?to=ANN@example.test');
    expect(message).toMatchObject({ to: ['ann@example.test'], from: 'desk@venue.test', subject: 'Bestätigung ✓' });
    expect(message?.text).toContain('See you');
    expect(message?.html).toContain('Grüße');
    expect(message?.attachments).toEqual(
      expect.arrayContaining([
        { filename: 'qr.png', content_type: 'image/png', size: PIXEL.byteLength, content_id: 'qr' },
        expect.objectContaining({ filename: 'booking.ics', content_type: 'text/calendar', size: 15 }),
      ]),
    );
    const index = message?.attachments.findIndex((attachment) => attachment.filename === 'qr.png');
    const picture = await get(`/messages/${message?.id}/attachments/${index}`);
    expect(picture.headers.get('content-type')).toBe('image/png');
    expect(Buffer.from(await picture.arrayBuffer()).equals(PIXEL)).toBe(true);
    expect(await (await get(`/messages/${message?.id}/raw`)).text()).toContain('Content-Type: multipart/');
    expect(await list('?to=bob@example.test')).toEqual([]);
  });

  test('is listed before the ones that came earlier', async () => {
    const { send, list, base } = await setup();
    await send({ subject: 'first' });
    await send({ subject: 'second', to: 'bob@example.test', bcc: 'ann@example.test' });
    expect((await list()).map((message) => message.subject)).toEqual(['second', 'first']);
    expect((await list('?limit=1')).map((message) => message.subject)).toEqual(['second']);
    expect((await list('?to=ann@example.test')).map((message) => message.subject)).toEqual(['second', 'first']);
    expect(await (await fetch(`${base}/messages`, { method: 'DELETE' })).json()).toEqual({ deleted: 2 });
    expect(await list()).toEqual([]);
  });

  test('cannot run anything in the browser of who reads it', async () => {
    const { send, list, get } = await setup();
    const script = '<script>alert(1)</script>';
    await send({
      subject: script,
      text: script,
      html: `${script}<img src="cid:qr">`,
      attachments: [
        { filename: `${script}.png`, content: PIXEL, cid: 'qr', contentType: 'image/png' },
        { filename: 'page.html', content: script, contentType: 'text/html' },
      ],
    });
    const [message] = await list();
    for (const path of ['/', `/view/${message?.id}`]) {
      const page = await get(path);
      expect(await page.text()).not.toContain('<script>');
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
    expect(await (await get(`/view/${message?.id}`)).text()).toContain('<iframe sandbox=""');
    const html = await get(`/view/${message?.id}/html`);
    expect(html.headers.get('content-security-policy')).toContain('sandbox');
    expect(await html.text()).toContain('data:image/png;base64,');
    const index = message?.attachments.findIndex((attachment) => attachment.filename === 'page.html');
    const attachment = await get(`/messages/${message?.id}/attachments/${index}`);
    expect(attachment.headers.get('content-disposition')).toContain('attachment');
    expect(attachment.headers.get('content-security-policy')).toContain('sandbox');
  });
});

describe('a full mailbox', () => {
  test.each([
    ['messages', { messages: 2, bytes: 1_000_000 }],
    ['bytes', { messages: 100, bytes: 500 }],
  ])('forgets the oldest when it has too many %s', async (_, limits) => {
    const { send, list } = await setup(limits);
    for (const subject of ['one', 'two', 'three']) await send({ subject });
    const subjects = (await list()).map((message) => message.subject);
    expect(subjects[0]).toBe('three');
    expect(subjects).not.toContain('one');
  });

  test('refuses a message that is too large, and takes the next', async () => {
    const { send, list } = await setup();
    await expect(send({ text: 'x'.repeat(6 * 1024 * 1024) })).rejects.toMatchObject({ responseCode: 552 });
    await send({ subject: 'small' });
    expect((await list()).map((message) => message.subject)).toEqual(['small']);
  });
});

describe('a strange question', () => {
  test.each([
    ['/messages?limit=0', 400],
    ['/messages?limit=x', 400],
    ['/messages/none', 404],
    ['/messages/none/attachments/0', 404],
    ['/view/none', 404],
    ['/livez', 200],
    ['/readyz', 200],
  ])('%s is answered %d', async (path, status) => {
    const { get } = await setup();
    expect((await get(path)).status).toBe(status);
  });
});
