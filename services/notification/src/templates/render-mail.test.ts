import { describe, expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { aBooking } from '../testing/factories.ts';
import { renderMail } from './render-mail.ts';
import { renderQrCode } from './render-qr-code.ts';

const options = { publicUrl: 'https://booking.test', stamp: new Date('2026-12-01T10:00:00Z') };

describe('the mail for a confirmed booking', () => {
  test('says what, where, when, which seats and how much, in both parts', async () => {
    const booking = aBooking();
    const mail = await renderMail({ kind: 'confirmed', booking }, options);
    expect(mail.subject).toBe('Booking BK20270104-7K3Q9D confirmed: Winter concert');
    for (const part of [mail.text, mail.html!]) {
      expect(part).toContain('BK20270104-7K3Q9D');
      expect(part).toContain('Winter concert');
      expect(part).toContain('Salle Pleyel');
      expect(part).toContain('Monday 4 January 2027, 19:00 to 21:30 (Europe/Paris, CET)');
      expect(part).toContain('A-12, A-13');
      expect(part).toContain('€90.00');
      expect(part).toContain(`https://booking.test/v1/bookings/${booking.booking_id}`);
    }
  });

  test('shows a QR code with the signed text of each ticket inside the HTML', async () => {
    const tickets = [
      { place: 'A-12', code: 'HF1.key.one.signature' },
      { place: 'A-13', code: 'HF1.key.two.signature' },
    ];
    const mail = await renderMail({ kind: 'confirmed', booking: aBooking({ tickets }) }, options);
    const codes = mail.attachments.filter(({ contentType }) => contentType === 'image/png');
    expect(codes.map(({ content }) => content)).toEqual(
      await Promise.all(tickets.map(({ code }) => renderQrCode(code))),
    );
    expect(new Set(codes.map(({ cid }) => cid)).size).toBe(2);
    for (const { cid } of codes) expect(mail.html).toContain(`<img src="cid:${cid}"`);
    for (const { place } of tickets) expect(mail.html).toContain(`alt="QR code of place ${place}"`);
  });

  test('shows at most ten, and says where the others are', async () => {
    const tickets = Array.from({ length: 12 }, (_, i) => ({ place: `A-${i + 1}`, code: `HF1.key.${i}.signature` }));
    const booking = aBooking({ tickets });
    const mail = await renderMail({ kind: 'confirmed', booking }, options);
    expect(mail.attachments.filter(({ contentType }) => contentType === 'image/png')).toHaveLength(10);
    for (const part of [mail.text, mail.html!]) {
      expect(part).toContain(`https://booking.test/v1/bookings/${booking.booking_id}/tickets has 2 more.`);
    }
  });

  test('shows the reference as a PNG where a booking has no tickets', async () => {
    const booking = aBooking();
    const [qr] = (await renderMail({ kind: 'confirmed', booking }, options)).attachments;
    expect((qr!.content as Buffer).subarray(0, 8)).toEqual(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
    expect((await renderQrCode(booking.reference)).equals(qr!.content as Buffer)).toBe(true);
  });

  test('counts the places of a pool and numbers them where they have numbers', async () => {
    const pool = { inventory: 'pool' as const, quantity: 3 };
    const plain = await renderMail({ kind: 'confirmed', booking: aBooking({ ...pool, seats: [] }) }, options);
    expect(plain.text).toMatch(/^Places: {5}3$/m);
    const numbered = await renderMail(
      { kind: 'confirmed', booking: aBooking({ ...pool, seats: ['7', '8', '9'] }) },
      options,
    );
    expect(numbered.text).toMatch(/^Places: {5}3 \(no\. 7, 8, 9\)$/m);
  });

  test('names no places for a time slot, and says when nothing is to be paid', async () => {
    const booking = aBooking({ inventory: 'slots', seats: [], quantity: 1, amount: 0 });
    const { text } = await renderMail({ kind: 'confirmed', booking }, options);
    expect(text).not.toMatch(/^(Seat|Place)/m);
    expect(text).toMatch(/^Amount: {5}free of charge$/m);
  });

  test('takes foreign text as text: no markup, no header, no line of its own', async () => {
    const evil = '<script>alert("1")</script>&\r\nBcc: x@example.org';
    const booking = aBooking({
      title: evil,
      venue: evil,
      contact: { email: 'a@example.org', name: evil },
      seats: [evil],
    });
    for (const notice of [
      { kind: 'confirmed', booking } as const,
      { kind: 'cancelled', booking: { ...booking, reason: evil } } as const,
      { kind: 'failed', booking: { ...booking, reason: evil } } as const,
      { kind: 'waitlist_offer', booking: { ...booking, hold_expires_at: booking.starts_at } } as const,
      { kind: 'waitlist_over', booking: { ...booking, reason: evil } } as const,
    ]) {
      const mail = await renderMail(notice, options);
      expect(mail.subject).not.toMatch(/[\r\n]/);
      expect(mail.text).not.toMatch(/^Bcc:/m);
      expect(mail.html ?? '').not.toContain('<script>');
    }
    const { html } = await renderMail({ kind: 'confirmed', booking }, options);
    expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp; Bcc: x@example.org');
  });
});

test('every mail says in its HTML what its text says, and links to the booking', async () => {
  const booking = { ...aBooking({ title: 'Tom & Jerry http://elsewhere.test/x' }), reason: 'plans have changed' };
  for (const kind of ['cancelled', 'failed'] as const) {
    const { text, html } = await renderMail({ kind, booking }, options);
    expect(text).toContain('Tom & Jerry');
    expect(html).toContain('Tom &amp; Jerry');
    const url = `https://booking.test/v1/bookings/${booking.booking_id}`;
    expect(html).toContain(`<a href="${url}">${url}</a>`);
    expect(html).not.toContain('href="http://elsewhere.test');
    expect(html).toMatch(/<th[^>]*>Reference<\/th><td>BK20270104-7K3Q9D<\/td>/);
  }
});

test('a cancelled booking that had a calendar entry brings the one that takes it away', async () => {
  const booking = { ...aBooking(), reason: 'plans have changed', calendar_entry: true };
  const { attachments } = await renderMail({ kind: 'cancelled', booking }, options);
  expect(attachments).toHaveLength(1);
  expect(attachments[0]!.contentType).toBe('text/calendar; charset=utf-8; method=CANCEL');
  expect(attachments[0]!.content).toContain(`UID:${booking.booking_id}`);
});

test('cancelled and failed bookings get a short mail', async () => {
  const booking = { ...aBooking(), reason: 'plans have changed' };
  const cancelled = await renderMail({ kind: 'cancelled', booking }, options);
  expect(cancelled).toMatchObject({ attachments: [] });
  expect(cancelled.text).toContain('plans have changed');
  const failed = await renderMail({ kind: 'failed', booking }, options);
  expect(failed).toMatchObject({ attachments: [] });
  expect(failed.subject).toContain('failed');
});

describe('the mail for a booking whose event was moved', () => {
  const moved = {
    ...aBooking(),
    status: 'CONFIRMED',
    reason: 'the band is\nstuck',
    previous: { starts_at: '2026-12-31T22:00:00.000Z', ends_at: '2027-01-01T00:30:00.000Z' },
    refund: 'full' as const,
    calendar_sequence: 1,
  };
  const render = (over: Partial<typeof moved> | { refund: 'policy' }) =>
    renderMail({ kind: 'rescheduled', booking: { ...moved, ...over } }, options);

  test('says when it was, when it is now, why, and what the customer may do', async () => {
    const { subject, text } = await render({});
    expect(subject).toBe('New time for booking BK20270104-7K3Q9D: Winter concert');
    expect(text).toMatch(/^When: {7}Monday 4 January 2027, 19:00 to 21:30/m);
    expect(text).toMatch(/^Before: {5}Thursday 31 December 2026, 23:00 to Friday 1 January 2027, 01:30/m);
    expect(text).toMatch(/^Reason: {5}the band is stuck$/m);
    expect(text).toContain('get everything back');
    expect((await render({ refund: 'policy' })).text).not.toContain('get everything back');
    expect((await render({ amount: 0 })).text).not.toContain('get everything back');
  });

  test('brings the calendar entry with its new time and a higher sequence', async () => {
    const { attachments } = await render({});
    expect(attachments).toHaveLength(1);
    expect(attachments[0]!.contentType).toContain('text/calendar');
    expect(attachments[0]!.content).toContain('SEQUENCE:1');
    expect(attachments[0]!.content).toContain(`UID:${moved.booking_id}`);
  });

  test('a hold that is not paid has no entry to update, and is asked whether it still suits', async () => {
    const { attachments, text } = await render({ status: 'HELD' });
    expect(attachments).toEqual([]);
    expect(text).toContain('not paid yet');
  });
});

describe('mails of the waitlist', () => {
  const waitlist = (offered: boolean) => ({ entry_id: newId('wtl'), offered });

  test('an offer says what it is, and until when it has to be paid, or confirmed when it costs nothing', async () => {
    const booking = aBooking({ waitlist: waitlist(true) });
    const offer = { ...booking, hold_expires_at: '2027-01-02T18:00:00.000Z' };
    const mail = await renderMail({ kind: 'waitlist_offer', booking: offer }, options);
    expect(mail.subject).toBe('What you waited for is free: Winter concert');
    expect(mail.text).toContain('Pay it until Saturday 2 January 2027, 19:00 (Europe/Paris, CET)');
    expect(mail.text).toContain('A-12, A-13');
    expect(mail.text).toContain(`https://booking.test/v1/bookings/${booking.booking_id}`);
    const free = await renderMail({ kind: 'waitlist_offer', booking: { ...offer, amount: 0 } }, options);
    expect(free.text).toContain('Confirm it until Saturday');
  });

  test('whose end comes before an offer name no seats, since nobody knew which', async () => {
    const booking = aBooking({ seats: [], waitlist: waitlist(false) });
    const { subject, text } = await renderMail({ kind: 'waitlist_over', booking }, options);
    expect(subject).toBe('You are no longer on the waitlist: Winter concert');
    expect(text).toMatch(/^Places: {5}2$/m);
    expect(text).toContain('nothing became free in time');
    expect(text).not.toContain('€');
  });

  test('tell a lapsed offer from a line that was left', async () => {
    const lapsed = aBooking({ waitlist: waitlist(true) });
    expect((await renderMail({ kind: 'waitlist_over', booking: lapsed }, options)).subject).toContain('has lapsed');
    const left = { ...aBooking({ seats: [], waitlist: waitlist(false) }), reason: 'left the waitlist' };
    expect((await renderMail({ kind: 'waitlist_over', booking: left }, options)).text).toContain('left the waitlist');
  });

  test('an event that moves leaves those who wait in line', async () => {
    const booking = {
      ...aBooking({ seats: [], waitlist: waitlist(false) }),
      status: 'PENDING' as const,
      reason: 'the hall is under water',
      previous: { starts_at: '2027-01-03T18:00:00.000Z', ends_at: '2027-01-03T20:00:00.000Z' },
      refund: 'full' as const,
      calendar_sequence: 1,
    };
    const mail = await renderMail({ kind: 'rescheduled', booking }, options);
    expect(mail.subject).toBe('New time for what you wait for: Winter concert');
    expect(mail.text).toContain('You keep your place in line.');
    expect(mail.text).not.toContain('Pay');
    expect(mail.attachments).toEqual([]);
  });
});

describe('mails about a series', () => {
  const booking = aBooking({ inventory: 'slots', seats: [], quantity: 1, series_id: newId('ser') });

  test('say until when an occurrence has to be paid, or confirmed when it costs nothing', async () => {
    const pay_until = '2027-01-02T18:00:00.000Z';
    const due = await renderMail({ kind: 'payment_due', booking: { ...booking, pay_until } }, options);
    expect(due.subject).toBe(
      'Booking BK20270104-7K3Q9D: pay it until Saturday 2 January 2027, 19:00 (Europe/Paris, CET)',
    );
    expect(due.text).toContain('Pay it until Saturday 2 January 2027, 19:00 (Europe/Paris, CET)');
    const free = await renderMail({ kind: 'payment_due', booking: { ...booking, amount: 0, pay_until } }, options);
    expect(free.text).toContain('Confirm it until Saturday');
  });

  test.each([
    ['taken', 'somebody else had booked the time'],
    ['closed', 'closed at that time'],
    ['archived', 'cannot be booked any more'],
    ['too_late', 'its time came before'],
  ] as const)('say why one does not take place: %s', async (lost, words) => {
    const notice = { kind: 'occurrence_lost', booking: { ...booking, reason: 'x', lost } } as const;
    const { subject, text } = await renderMail(notice, options);
    expect(subject).toContain('does not take place');
    expect(text).toContain(words);
    expect(text).not.toContain('payment did not go through');
  });

  test('say that one was not paid in time', async () => {
    expect((await renderMail({ kind: 'occurrence_lapsed', booking }, options)).text).toContain('not paid in time');
  });

  test('count those that were cancelled together', async () => {
    const cancelled = { ...booking, reason: 'changed plans', occurrences: 12 };
    expect((await renderMail({ kind: 'cancelled', booking: cancelled }, options)).text).toContain(
      '12 unpaid bookings of your series',
    );
  });
});
