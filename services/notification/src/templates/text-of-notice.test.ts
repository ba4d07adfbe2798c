import { expect, test } from '@jest/globals';
import type { Notice } from '../deliveries/delivery.ts';
import { aBooking } from '../testing/factories.ts';
import { textOfNotice } from './text-of-notice.ts';

const booking = aBooking();
const until = '2027-01-02T18:00:00.000Z';
const previous = { starts_at: booking.starts_at, ends_at: booking.ends_at };
const notices: Notice[] = [
  { kind: 'confirmed', booking },
  { kind: 'cancelled', booking: { ...booking, reason: 'plans have changed' } },
  {
    kind: 'rescheduled',
    booking: { ...booking, status: 'CONFIRMED', reason: 'the hall is closed', previous, refund: 'full' },
  },
  { kind: 'failed', booking: { ...booking, reason: 'card_declined' } },
  { kind: 'waitlist_offer', booking: { ...booking, hold_expires_at: until } },
  { kind: 'waitlist_over', booking },
  { kind: 'payment_due', booking: { ...booking, pay_until: until } },
  { kind: 'occurrence_lost', booking: { ...booking, reason: 'taken', lost: 'taken' } },
  { kind: 'occurrence_lapsed', booking },
];

test.each(notices)(
  '$kind: one line that says which booking, and nothing that only the customer should read',
  (notice) => {
    const text = textOfNotice(notice);
    expect(text).toContain(booking.reference);
    expect(text).not.toMatch(/[\n\r]/);
    expect(text.length).toBeLessThanOrEqual(200);
    expect(text).not.toContain(booking.contact.email);
  },
);

test('what has to be done says until when', () => {
  for (const notice of notices.filter(({ kind }) => kind === 'waitlist_offer' || kind === 'payment_due')) {
    expect(textOfNotice(notice)).toContain('until Saturday 2 January 2027, 19:00');
  }
});

test('a title cannot start a line of its own, and a long one is cut', () => {
  const text = textOfNotice({ kind: 'confirmed', booking: aBooking({ title: `Faust\n${'𝄞'.repeat(60)}` }) });
  expect(text).toContain(`Faust ${'𝄞'.repeat(33)}…,`);
});
