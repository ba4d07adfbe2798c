import { booking } from '@holdfast/shared/contracts/bookings';
import { list } from '@holdfast/shared/contracts/common';
import {
  checkInBody,
  completeBody,
  offlineTickets,
  rotateTicketKeyBody,
  ticket,
  ticketKey,
} from '@holdfast/shared/contracts/tickets';
import type { ApiRoute } from './route.ts';

const tickets = { tag: 'Tickets', target: 'booking' } as const;
/** Keys are welcome here: the calls change nothing when they come twice. */
const HONOURED = ['idempotency_key_invalid', 'idempotency_key_reused', 'idempotency_in_progress'] as const;
/** A list of a stadium is long. */
const OFFLINE_LIMIT_MS = 8_000;

export const TICKET_ROUTES: readonly ApiRoute[] = [
  {
    ...tickets,
    method: 'get',
    path: '/v1/bookings/:id/tickets',
    operationId: 'listTickets',
    summary: 'The tickets of a confirmed booking, one for each place',
    access: 'user',
    answers: { 200: { description: 'All tickets, in the order of the places', schema: list(ticket) } },
    problems: ['not_found'],
  },
  {
    ...tickets,
    method: 'post',
    path: '/v1/bookings/:id/check-in',
    operationId: 'checkInBooking',
    summary: 'Let the holder of a booking in; twice is the same answer',
    access: 'user',
    role: 'operator',
    idempotency: 'honoured',
    body: checkInBody,
    answers: {
      200: {
        description:
          'CHECKED_IN, with the time of the first check-in; the header Check-In is `admitted`, or `already_in` for a ticket that was shown before',
        schema: booking,
        carries: ['ETag'],
      },
    },
    problems: [...HONOURED, 'forbidden', 'not_found', 'ticket_invalid', 'ticket_wrong_booking', 'not_checkable'],
  },
  {
    ...tickets,
    method: 'post',
    path: '/v1/bookings/:id/complete',
    operationId: 'completeBooking',
    summary: 'Close a booking before its end; a loop closes all others',
    access: 'user',
    role: 'operator',
    idempotency: 'honoured',
    body: completeBody,
    answers: { 200: { description: 'COMPLETED, attended if it was checked in', schema: booking, carries: ['ETag'] } },
    problems: [...HONOURED, 'forbidden', 'not_found', 'not_completable'],
  },
  {
    ...tickets,
    method: 'get',
    path: '/v1/events/:id/tickets/offline',
    operationId: 'getOfflineTickets',
    summary: 'What a scanner needs at a door without a network: the valid tickets as hashes, signed',
    access: 'user',
    role: 'operator',
    answers: { 200: { description: 'The tickets that let somebody in at generated_at', schema: offlineTickets } },
    problems: ['forbidden', 'not_found'],
    timeLimitMs: OFFLINE_LIMIT_MS,
  },
  {
    ...tickets,
    method: 'get',
    path: '/v1/ticket-keys',
    operationId: 'listTicketKeys',
    summary: 'Public keys that verify tickets without asking, the current one first',
    access: 'public',
    answers: { 200: { description: 'All keys with which tickets were signed', schema: list(ticketKey) } },
    problems: [],
  },
  {
    ...tickets,
    method: 'post',
    path: '/v1/ticket-keys/rotate',
    operationId: 'rotateTicketKey',
    summary: 'Sign new tickets with a new key; those that are out stay valid',
    access: 'user',
    role: 'admin',
    idempotency: 'honoured',
    body: rotateTicketKeyBody,
    answers: { 200: { description: 'The new key', schema: ticketKey } },
    problems: [...HONOURED, 'forbidden'],
  },
];
