import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import { escapeHtml } from './escape-html.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { renderCalendar } from './render-calendar.ts';
import { renderQrCode } from './render-qr-code.ts';
import { singleLine } from './single-line.ts';
import { ticketCode } from './ticket-code.ts';

const QR_CID = 'ticket@holdfast';

/** The ticket: the facts as text and as HTML, the QR code inside the HTML, the calendar entry attached. */
export async function confirmedMail(
  { booking }: Extract<Notice, { kind: 'confirmed' }>,
  options: RenderOptions,
): Promise<Mail> {
  const url = `${options.publicUrl}/v1/bookings/${booking.booking_id}`;
  const facts = bookingFacts(booking);
  const greeting = `Hello ${singleLine(booking.contact.name)},`;
  const text = [
    greeting,
    '',
    'your booking is confirmed.',
    '',
    ...facts.map((fact) => `${`${fact.label}:`.padEnd(11)} ${fact.value}`),
    '',
    'Show the QR code of this mail, or the reference, when you arrive.',
    `Your booking: ${url}`,
    '',
  ].join('\n');
  const rows = facts.map(
    (fact) =>
      `<tr><th align="left" style="padding:2px 16px 2px 0">${escapeHtml(fact.label)}</th><td>${escapeHtml(fact.value)}</td></tr>`,
  );
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(`Booking ${booking.reference} confirmed`)}</title></head>
<body style="font-family:sans-serif;line-height:1.4">
<p>${escapeHtml(greeting)}</p>
<p>your booking is confirmed.</p>
<table role="presentation" style="border-collapse:collapse">
${rows.join('\n')}
</table>
<p><img src="cid:${QR_CID}" width="256" height="256" alt="QR code of booking ${escapeHtml(booking.reference)}"></p>
<p>Show this code, or the reference, when you arrive.</p>
<p><a href="${escapeHtml(url)}">Your booking</a></p>
</body>
</html>
`;
  return {
    subject: `Booking ${booking.reference} confirmed: ${singleLine(booking.title)}`,
    text,
    html,
    attachments: [
      {
        filename: 'ticket.png',
        contentType: 'image/png',
        content: await renderQrCode(ticketCode(booking)),
        cid: QR_CID,
        contentDisposition: 'inline',
      },
      {
        filename: `${booking.reference}.ics`,
        contentType: 'text/calendar; charset=utf-8; method=PUBLISH',
        content: renderCalendar(booking, { stamp: options.stamp, url }),
        contentDisposition: 'attachment',
      },
    ],
  };
}
