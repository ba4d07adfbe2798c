import { list } from '@holdfast/shared/contracts/common';
import { leaveBody, waitBody, waitlistEntry, waitlistQuery } from '@holdfast/shared/contracts/waitlist';
import type { ApiRoute } from './route.ts';

const waitlist = { tag: 'Waitlist', target: 'booking', access: 'user' } as const;
const KEYED = ['idempotency_key_invalid', 'idempotency_key_reused', 'idempotency_in_progress'] as const;
const theEntry = { description: 'The entry', schema: waitlistEntry };

export const WAITLIST_ROUTES: readonly ApiRoute[] = [
  {
    ...waitlist,
    method: 'post',
    path: '/v1/waitlist',
    operationId: 'joinWaitlist',
    summary: 'Wait for places of an event, or for a time of a resource, that somebody else has',
    idempotency: 'required',
    body: waitBody,
    answers: { 201: { description: 'The entry, WAITING', schema: waitlistEntry, carries: ['Location'] } },
    problems: [
      'idempotency_key_missing',
      ...KEYED,
      'not_found',
      'nothing_to_wait_for',
      'already_waiting',
      'too_many_waits',
      'never_available',
      'no_waitlist',
      'too_many_places',
      'unknown_category',
      'event_cancelled',
      'event_over',
      'sales_not_open',
      'sales_closed',
      'in_the_past',
      'outside_opening_hours',
      'off_grid',
      'invalid_duration',
      'archived',
    ],
  },
  {
    ...waitlist,
    method: 'get',
    path: '/v1/waitlist',
    operationId: 'listWaitlist',
    summary:
      'The entries of the caller, or for operators those of an event, a resource or a user, in the order of joining',
    query: waitlistQuery,
    answers: { 200: { description: 'A page of entries', schema: list(waitlistEntry) } },
    problems: ['forbidden'],
  },
  {
    ...waitlist,
    method: 'get',
    path: '/v1/waitlist/:id',
    operationId: 'getWaitlistEntry',
    summary: 'Read an entry, with its place in line or its offer',
    answers: { 200: theEntry },
    problems: ['not_found'],
  },
  {
    ...waitlist,
    method: 'post',
    path: '/v1/waitlist/:id/leave',
    operationId: 'leaveWaitlist',
    summary: 'Give the wait up, or the offer that came of it',
    idempotency: 'honoured',
    body: leaveBody,
    answers: {
      200: { description: 'The entry, LEFT', schema: waitlistEntry },
      202: {
        description: 'The offer is being paid at this moment; it is given up when the outcome is known',
        schema: waitlistEntry,
      },
    },
    problems: [...KEYED, 'not_found', 'not_waiting'],
  },
];
