import type { Notice } from '../deliveries/delivery.ts';
import { formatAmount } from './format-amount.ts';
import { formatWhen } from './format-when.ts';
import { singleLine } from './single-line.ts';

export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** What, where, when, which places and how much, as lines of plain text for any template. */
export function bookingFacts(booking: Notice['booking']): Fact[] {
  const places = describePlaces(booking);
  return [
    { label: 'Reference', value: booking.reference },
    { label: 'What', value: singleLine(booking.title) },
    { label: 'Where', value: singleLine(booking.venue) },
    { label: 'When', value: formatWhen(booking.starts_at, booking.ends_at, booking.time_zone) },
    ...(places === null ? [] : [places]),
    {
      label: 'Amount',
      value: booking.amount === 0 ? 'free of charge' : formatAmount(booking.amount, booking.currency),
    },
  ];
}

function describePlaces(booking: Notice['booking']): Fact | null {
  switch (booking.inventory) {
    case 'slots':
      // A booking of a resource is its time.
      return null;
    case 'seats':
      // Which seats it will be is not known while somebody waits for them.
      if (booking.seats.length === 0) return { label: 'Places', value: String(booking.quantity) };
      return { label: booking.seats.length === 1 ? 'Seat' : 'Seats', value: booking.seats.map(singleLine).join(', ') };
    case 'pool': {
      const numbers = booking.seats.length === 0 ? '' : ` (no. ${booking.seats.map(singleLine).join(', ')})`;
      return { label: 'Places', value: `${booking.quantity}${numbers}` };
    }
  }
}
