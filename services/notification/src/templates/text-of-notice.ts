import type { Notice } from '../deliveries/delivery.ts';
import { formatMoment } from './format-when.ts';
import { singleLine } from './single-line.ts';

/** A title longer than this is cut: a text message has 160 characters, and each further part costs as much again. */
const TITLE_CHARACTERS = 40;

/** The text message for a notice: what became of the booking, when, and until when something has to be done. The mail has the rest. */
export function textOfNotice(notice: Notice): string {
  const { booking } = notice;
  const what = `${booking.reference}, ${shortened(singleLine(booking.title))}`;
  const starts = formatMoment(booking.starts_at, booking.time_zone);
  switch (notice.kind) {
    case 'confirmed':
      return `Confirmed: ${what}, ${starts}. The tickets are in your mail.`;
    case 'cancelled':
      return `Cancelled: ${what}, ${starts}.`;
    case 'rescheduled':
      return `New time: ${what}, now ${starts}. See your mail for what you can do.`;
    case 'failed':
      return `Not booked, the payment failed: ${what}.`;
    case 'waitlist_offer':
      return `Free now and held for you: ${what}. Take it until ${formatMoment(notice.booking.hold_expires_at, booking.time_zone)}.`;
    case 'waitlist_over':
      return `The wait is over: ${what}. Nothing is booked.`;
    case 'payment_due':
      return `Pay ${what}, ${starts}, until ${formatMoment(notice.booking.pay_until, booking.time_zone)}.`;
    case 'occurrence_lost':
    case 'occurrence_lapsed':
      return `Does not take place: ${what}, ${starts}. The others of your series stand.`;
  }
}

function shortened(title: string): string {
  const characters = [...title];
  return characters.length <= TITLE_CHARACTERS ? title : `${characters.slice(0, TITLE_CHARACTERS - 1).join('')}…`;
}
