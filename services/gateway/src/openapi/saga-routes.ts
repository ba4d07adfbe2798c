import { attention } from '@holdfast/shared/contracts/attention';
import { list } from '@holdfast/shared/contracts/common';
import {
  compensateSagaBody,
  resolveSagaBody,
  retrySagaBody,
  saga,
  sagaListQuery,
} from '@holdfast/shared/contracts/sagas';
import type { ApiRoute } from './route.ts';

const sagas = { tag: 'Sagas', target: 'booking', access: 'user', role: 'operator' } as const;
const act = {
  ...sagas,
  method: 'post',
  idempotency: 'honoured',
  answers: { 200: { description: 'The saga after it', schema: saga } },
} as const;
const REFUSED = [
  'idempotency_key_invalid',
  'idempotency_key_reused',
  'idempotency_in_progress',
  'forbidden',
  'not_found',
] as const;

/** Checkouts that need help, and the list of all that needs a person. */
export const SAGA_ROUTES: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/ops/attention',
    operationId: 'listAttention',
    tag: 'Operations',
    summary: 'What needs a person: stuck sagas, unknown payments, mismatches, dead letters, messages that are not sent',
    target: 'gateway',
    access: 'user',
    role: 'operator',
    answers: { 200: { description: 'Of every service, the longest first', schema: attention } },
    problems: ['forbidden'],
  },
  {
    ...sagas,
    method: 'get',
    path: '/v1/ops/sagas',
    operationId: 'listSagas',
    summary: 'Checkouts, the latest change first; with stuck=true those that do not go on or are late',
    query: sagaListQuery,
    answers: { 200: { description: 'A page of sagas', schema: list(saga) } },
    problems: ['forbidden'],
  },
  {
    ...sagas,
    method: 'get',
    path: '/v1/ops/sagas/:booking_id',
    operationId: 'getSaga',
    summary: 'The checkout of a booking: where it is, what takes it back, when it asks again',
    answers: { 200: { description: 'The saga', schema: saga } },
    problems: ['forbidden', 'not_found'],
  },
  {
    ...act,
    path: '/v1/ops/sagas/:booking_id/retry',
    operationId: 'retrySaga',
    summary: 'Ask for the step under way at once',
    body: retrySagaBody,
    problems: [...REFUSED, 'saga_not_retryable'],
  },
  {
    ...act,
    path: '/v1/ops/sagas/:booking_id/compensate',
    operationId: 'compensateSaga',
    summary: 'Give the checkout up: the booking fails, the money is voided or refunded',
    body: compensateSagaBody,
    problems: [...REFUSED, 'saga_not_compensable'],
  },
  {
    ...act,
    path: '/v1/ops/sagas/:booking_id/resolve',
    operationId: 'resolveSaga',
    summary: 'Record that the money was settled at the provider by hand',
    body: resolveSagaBody,
    problems: [...REFUSED, 'saga_not_resolvable'],
  },
];
