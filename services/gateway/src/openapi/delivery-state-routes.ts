import { consumerList, outboxList } from '@holdfast/shared/contracts/delivery-state';
import type { ApiRoute } from './route.ts';

const operator = { method: 'get', tag: 'Operations', target: 'gateway', access: 'user', role: 'operator' } as const;

/** How messages get from one service to another, and where they wait. */
export const DELIVERY_STATE_ROUTES: readonly ApiRoute[] = [
  {
    ...operator,
    path: '/v1/ops/outbox',
    operationId: 'getOutboxes',
    summary: 'What each service has decided to send and not published: depth, oldest age, and who publishes',
    answers: { 200: { description: 'Of every service', schema: outboxList } },
    problems: ['forbidden'],
  },
  {
    ...operator,
    path: '/v1/ops/consumers',
    operationId: 'getConsumers',
    summary: 'How far each consumer has come: lag, pending, redelivered, parked, dead letters',
    answers: { 200: { description: 'Of every service', schema: consumerList } },
    problems: ['forbidden'],
  },
];
