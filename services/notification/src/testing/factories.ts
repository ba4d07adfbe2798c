import { newId } from '@holdfast/shared/ids';
import type { Notice } from '../deliveries/delivery.ts';

type Confirmed = Extract<Notice, { kind: 'confirmed' }>['booking'];

/** Two seats at a concert in Paris; `over` replaces what a test is about. */
export function aBooking(over: Partial<Confirmed> = {}): Confirmed {
  return {
    booking_id: newId('bkg'),
    reference: 'BK20270104-7K3Q9D',
    user_id: newId('usr'),
    contact: { email: 'ada@example.org', name: 'Ada Lovelace' },
    inventory: 'seats',
    title: 'Winter concert',
    venue: 'Salle Pleyel',
    seats: ['A-12', 'A-13'],
    quantity: 2,
    starts_at: '2027-01-04T18:00:00.000Z',
    ends_at: '2027-01-04T20:30:00.000Z',
    time_zone: 'Europe/Paris',
    amount: 9000,
    currency: 'EUR',
    ...over,
  };
}
