import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import { escapeHtml } from './escape-html.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { renderCalendar } from './render-calendar.ts';
import { renderQrCode } from './render-qr-code.ts';
import { singleLine } from './single-line.ts';
import { ticketCodes } from './ticket-codes.ts';

/** The tickets: the facts as text and as HTML, a QR code for each place inside the HTML, the calendar entry attached. */
export async function confirmedMail(
  { booking }: Extract<Notice, { kind: 'confirmed' }>,
  options: RenderOptions,
): Promise<Mail> {
  const url = `${options.publicUrl}/v1/bookings/${booking.booking_id}`;
  const facts = bookingFacts(booking);
  const codes = ticketCodes(booking).map((ticket, index, { length }) => ({
    ...ticket,
    cid: `ticket-${index + 1}@holdfast`,
    label: length === 1 ? `booking ${booking.reference}` : `place ${singleLine(ticket.place ?? '')}`,
  }));
  const more = (booking.tickets?.length ?? 0) - codes.length;
  const moreTickets = more > 0 ? `${url}/tickets has ${more} more.` : null;
  const show =
    codes.length === 1
      ? 'Show the QR code of this mail, or the reference, when you arrive.'
      : 'Each of you shows a QR code of this mail, or the reference, on arrival.';
  const greeting = `Hello ${singleLine(booking.contact.name)},`;
  const text = [
    greeting,
    '',
    'your booking is confirmed.',
    '',
    ...facts.map((fact) => `${`${fact.label}:`.padEnd(11)} ${fact.value}`),
    '',
    show,
    ...(moreTickets === null ? [] : [moreTickets]),
    `Your booking: ${url}`,
    '',
  ].join('\n');
  const rows = facts.map(
    (fact) =>
      `<tr><th align="left" style="padding:2px 16px 2px 0">${escapeHtml(fact.label)}</th><td>${escapeHtml(fact.value)}</td></tr>`,
  );
  const images = codes.map(({ cid, label }) => {
    const what = escapeHtml(label);
    return `<p><img src="cid:${cid}" width="280" height="280" alt="QR code of ${what}"><br>${what}</p>`;
  });
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(`Booking ${booking.reference} confirmed`)}</title></head>
<body style="font-family:sans-serif;line-height:1.4">
<p>${escapeHtml(greeting)}</p>
<p>your booking is confirmed.</p>
<table role="presentation" style="border-collapse:collapse">
${rows.join('\n')}
</table>
${images.join('\n')}
<p>${escapeHtml(show)}${moreTickets === null ? '' : ` ${escapeHtml(moreTickets)}`}</p>
<p><a href="${escapeHtml(url)}">Your booking</a></p>
</body>
</html>
`;
  return {
    subject: `Booking ${booking.reference} confirmed: ${singleLine(booking.title)}`,
    text,
    html,
    attachments: [
      ...(await Promise.all(
        codes.map(async ({ cid, code }, index) => ({
          filename: `ticket-${index + 1}.png`,
          contentType: 'image/png',
          content: await renderQrCode(code),
          cid,
          contentDisposition: 'inline' as const,
        })),
      )),
      {
        filename: `${booking.reference}.ics`,
        contentType: 'text/calendar; charset=utf-8; method=PUBLISH',
        content: renderCalendar(booking, { stamp: options.stamp, url }),
        contentDisposition: 'attachment',
      },
    ],
  };
}
