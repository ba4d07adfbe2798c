import {
  booking,
  bookingListQuery,
  cancelBody,
  cancellationPreview,
  extendBody,
  historyEntry,
  holdBody,
  payBody,
  upcomingQuery,
} from '@holdfast/shared/contracts/bookings';
import { list } from '@holdfast/shared/contracts/common';
import { payment, paymentListQuery, webhookReceived } from '@holdfast/shared/contracts/payments';
import { z } from 'zod';
import type { ApiRoute } from './route.ts';

const bookings = { tag: 'Bookings', target: 'booking', access: 'user' } as const;
const payments = { tag: 'Payments', target: 'payment' } as const;
const KEYED = [
  'idempotency_key_missing',
  'idempotency_key_invalid',
  'idempotency_key_reused',
  'idempotency_in_progress',
] as const;
const theBooking = { description: 'The booking', schema: booking };

/** The pay call waits for the saga, so it may take longer than the others. */
const PAY_LIMIT_MS = 8_000;

export const BOOKING_ROUTES: readonly ApiRoute[] = [
  {
    ...bookings,
    // Booking carries it out, but it travels with other holds in one call: src/holds mounts it, not the proxy.
    target: 'gateway',
    method: 'post',
    path: '/v1/bookings',
    operationId: 'createBooking',
    summary: 'Hold seats, places or a time range',
    idempotency: 'required',
    body: holdBody,
    answers: { 201: { description: 'The booking, HELD; Location is set', schema: booking } },
    problems: [
      ...KEYED,
      'not_found',
      'inventory_unavailable',
      'too_many_holds',
      'too_many_places',
      'unknown_seat',
      'duplicate_seat',
      'unknown_category',
      'event_over',
      'inventory_mismatch',
      'in_the_past',
      'outside_opening_hours',
      'off_grid',
      'invalid_duration',
      'archived',
    ],
  },
  {
    ...bookings,
    method: 'get',
    path: '/v1/bookings',
    operationId: 'listBookings',
    summary: 'The bookings of the caller, newest first',
    query: bookingListQuery,
    answers: { 200: { description: 'A page of bookings', schema: list(booking) } },
    problems: ['forbidden'],
  },
  {
    ...bookings,
    method: 'get',
    path: '/v1/bookings/upcoming',
    operationId: 'listUpcomingBookings',
    summary: 'Bookings of the caller that are still to come, soonest first',
    query: upcomingQuery,
    answers: { 200: { description: 'A page of bookings', schema: list(booking) } },
    problems: [],
  },
  {
    ...bookings,
    method: 'get',
    path: '/v1/bookings/reference/:reference',
    operationId: 'getBookingByReference',
    summary: 'Read a booking by the reference on its ticket',
    answers: { 200: theBooking },
    problems: ['not_found'],
  },
  {
    ...bookings,
    method: 'get',
    path: '/v1/bookings/:id',
    operationId: 'getBooking',
    summary: 'Read a booking',
    answers: { 200: theBooking },
    problems: ['not_found'],
  },
  {
    ...bookings,
    method: 'post',
    path: '/v1/bookings/:id/pay',
    operationId: 'payBooking',
    summary: 'Pay a held booking; waits up to 2.5 s for the outcome',
    idempotency: 'required',
    body: payBody,
    answers: {
      200: { description: 'CONFIRMED', schema: booking },
      202: { description: 'The outcome is open: see payment.status and Retry-After', schema: booking },
    },
    problems: [...KEYED, 'not_found', 'payment_declined', 'hold_expired', 'already_paid', 'not_payable'],
    timeLimitMs: PAY_LIMIT_MS,
  },
  {
    ...bookings,
    method: 'post',
    path: '/v1/bookings/:id/extend',
    operationId: 'extendBooking',
    summary: 'More time for a hold, once',
    idempotency: 'required',
    body: extendBody,
    answers: { 200: { description: 'The hold with its new expiry', schema: booking } },
    problems: [...KEYED, 'not_found', 'hold_expired', 'conflict', 'hold_extension_exhausted'],
  },
  {
    ...bookings,
    method: 'get',
    path: '/v1/bookings/:id/cancellation-preview',
    operationId: 'previewCancellation',
    summary: 'What a cancellation would give back now',
    answers: { 200: { description: 'By the policy of the purchase', schema: cancellationPreview } },
    problems: ['not_found'],
  },
  {
    ...bookings,
    method: 'post',
    path: '/v1/bookings/:id/cancel',
    operationId: 'cancelBooking',
    summary: 'Give a booking up',
    idempotency: 'required',
    body: cancelBody,
    answers: {
      200: { description: 'CANCELLED', schema: booking },
      202: { description: 'Accepted: it is carried out when the outcome of the payment is known', schema: booking },
    },
    problems: [...KEYED, 'not_found', 'not_cancellable'],
  },
  {
    ...bookings,
    method: 'get',
    path: '/v1/bookings/:id/history',
    operationId: 'getBookingHistory',
    summary: 'Each transition of a booking, oldest first',
    answers: { 200: { description: 'All entries', schema: list(historyEntry) } },
    problems: ['not_found'],
  },
];

export const PAYMENT_ROUTES: readonly ApiRoute[] = [
  {
    ...payments,
    method: 'get',
    path: '/v1/payments',
    operationId: 'listPayments',
    summary: 'Payments of a booking',
    access: 'user',
    query: paymentListQuery,
    answers: { 200: { description: 'A page of payments', schema: list(payment) } },
    problems: ['not_found'],
  },
  {
    ...payments,
    method: 'get',
    path: '/v1/payments/:id',
    operationId: 'getPayment',
    summary: 'Read a payment with its attempts',
    access: 'user',
    answers: { 200: { description: 'The payment', schema: payment } },
    problems: ['not_found'],
  },
  {
    ...payments,
    method: 'post',
    path: '/v1/webhooks/:provider',
    operationId: 'receiveProviderCallback',
    summary: 'Callbacks of the payment provider, signed over the raw bytes',
    access: 'callback',
    body: z.looseObject({}).meta({ id: 'ProviderEvent', description: "The provider's event, up to 1 MiB" }),
    answers: { 200: { description: 'Stored; also for duplicates and unknown types', schema: webhookReceived } },
    problems: [
      'signature_missing',
      'signature_invalid',
      'timestamp_out_of_tolerance',
      'malformed',
      'source_not_allowed',
      'not_found',
    ],
  },
];
