import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import type { Mail } from './mail.ts';
import { singleLine } from './single-line.ts';

/** Says that somebody does not wait any more: the offer lapsed, the line closed without one, or the wait was given up. */
export function waitlistOverMail({ booking }: Extract<Notice, { kind: 'waitlist_over' }>): Mail {
  const lapsed = booking.waitlist?.offered === true;
  return {
    subject: `${lapsed ? 'Your offer has lapsed' : 'You are no longer on the waitlist'}: ${singleLine(booking.title)}`,
    text: [
      `Hello ${singleLine(booking.contact.name)},`,
      '',
      lapsed
        ? 'what was held for you was not taken in time. It goes to the next in line.'
        : 'you are no longer on the waitlist for this:',
      '',
      ...bookingFacts(booking)
        .filter(({ label }) => label !== 'Amount')
        .map((fact) => `${`${fact.label}:`.padEnd(11)} ${fact.value}`),
      `Reason:     ${singleLine('reason' in booking ? booking.reason : lapsed ? 'its time ran out' : 'nothing became free in time')}`,
      '',
    ].join('\n'),
    html: null,
    attachments: [],
  };
}
