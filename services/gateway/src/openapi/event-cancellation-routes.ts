import { cancelEventBody, eventCancellation } from '@holdfast/shared/contracts/event-cancellation';
import type { ApiRoute } from './route.ts';

const cancellation = { tag: 'Catalogue', target: 'booking', access: 'user' } as const;

export const EVENT_CANCELLATION_ROUTES: readonly ApiRoute[] = [
  {
    ...cancellation,
    method: 'post',
    path: '/v1/events/:id/cancel',
    operationId: 'cancelEvent',
    summary: 'Cancel an event: nobody books it any more, everybody gets everything back',
    role: 'admin',
    idempotency: 'honoured',
    body: cancelEventBody,
    answers: {
      200: { description: 'Every booking is cancelled', schema: eventCancellation, carries: ['Location'] },
      202: {
        description: 'Closed; the bookings are being cancelled: see Location',
        schema: eventCancellation,
        carries: ['Location'],
      },
    },
    problems: [
      'idempotency_key_invalid',
      'idempotency_key_reused',
      'idempotency_in_progress',
      'forbidden',
      'not_found',
      'event_over',
    ],
  },
  {
    ...cancellation,
    method: 'get',
    path: '/v1/events/:id/cancellation',
    operationId: 'getEventCancellation',
    summary: 'How far the cancellation of an event has come',
    role: 'operator',
    answers: { 200: { description: 'Counts of its bookings', schema: eventCancellation } },
    problems: ['forbidden', 'not_found'],
  },
];
