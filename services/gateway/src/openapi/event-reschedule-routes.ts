import { eventReschedule, rescheduleEventBody } from '@holdfast/shared/contracts/event-reschedule';
import type { ApiRoute } from './route.ts';

const reschedule = { tag: 'Catalogue', target: 'booking', access: 'user' } as const;

export const EVENT_RESCHEDULE_ROUTES: readonly ApiRoute[] = [
  {
    ...reschedule,
    method: 'post',
    path: '/v1/events/:id/reschedule',
    operationId: 'rescheduleEvent',
    summary: 'Move an event that has not begun: its bookings follow, and everybody who has one is told',
    role: 'admin',
    idempotency: 'honoured',
    body: rescheduleEventBody,
    answers: {
      200: { description: 'Every booking has the new time', schema: eventReschedule, carries: ['Location'] },
      202: {
        description: 'Moved; the bookings are following: see Location',
        schema: eventReschedule,
        carries: ['Location'],
      },
    },
    problems: [
      'idempotency_key_invalid',
      'idempotency_key_reused',
      'idempotency_in_progress',
      'forbidden',
      'not_found',
      'archived',
      'event_cancelled',
      'event_over',
    ],
  },
  {
    ...reschedule,
    method: 'get',
    path: '/v1/events/:id/reschedule',
    operationId: 'getEventReschedule',
    summary: 'How far the bookings of an event have followed its last move',
    role: 'operator',
    answers: { 200: { description: 'Counts of its bookings', schema: eventReschedule } },
    problems: ['forbidden', 'not_found'],
  },
];
