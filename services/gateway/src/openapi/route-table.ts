import { z } from 'zod';
import { AUDIT_ROUTES } from './audit-routes.ts';
import { BOOKING_ROUTES, PAYMENT_ROUTES } from './booking-routes.ts';
import { CATALOGUE_ROUTES } from './catalogue-routes.ts';
import { DEAD_LETTER_ROUTES } from './dead-letter-routes.ts';
import { DELIVERY_STATE_ROUTES } from './delivery-state-routes.ts';
import { EVENT_CANCELLATION_ROUTES } from './event-cancellation-routes.ts';
import { EVENT_RESCHEDULE_ROUTES } from './event-reschedule-routes.ts';
import { SEARCH_ROUTES } from './search-routes.ts';
import { IDENTITY_ROUTES } from './identity-routes.ts';
import { INTEGRITY_ROUTES } from './integrity-routes.ts';
import { LEDGER_ROUTES } from './ledger-routes.ts';
import { RECONCILIATION_ROUTES } from './reconciliation-routes.ts';
import type { ApiRoute } from './route.ts';
import { SAGA_ROUTES } from './saga-routes.ts';
import { SERIES_ROUTES } from './series-routes.ts';
import { TEXT_MESSAGE_ROUTES } from './text-message-routes.ts';
import { TICKET_ROUTES } from './ticket-routes.ts';
import { WAITLIST_ROUTES } from './waitlist-routes.ts';
import { WEBHOOK_ROUTES } from './webhook-routes.ts';

const own = { target: 'gateway', access: 'public', lane: 'health', problems: [] } as const;
const operations = { ...own, method: 'get', tag: 'Operations' } as const;
const state = z.object({ status: z.string() });

const OPERATION_ROUTES: readonly ApiRoute[] = [
  {
    ...operations,
    path: '/livez',
    operationId: 'livez',
    summary: 'Whether the process turns',
    answers: { 200: { description: 'It does', schema: state } },
  },
  {
    ...operations,
    path: '/readyz',
    operationId: 'readyz',
    summary: 'Whether requests should be sent here',
    answers: { 200: { description: 'Ready', schema: state }, 503: { description: 'Not ready', schema: state } },
  },
  {
    ...operations,
    path: '/healthz',
    operationId: 'healthz',
    summary: 'Each check of the gateway and, with verbose=1, of every service',
    query: z.strictObject({ verbose: z.literal('1').optional() }),
    answers: {
      200: { description: 'Healthy', schema: z.looseObject({ service: z.string(), status: z.string() }) },
      503: { description: 'Not healthy', schema: z.looseObject({ service: z.string(), status: z.string() }) },
    },
  },
];

/** Every route of the public API. */
export const ROUTES: readonly ApiRoute[] = [
  ...IDENTITY_ROUTES,
  ...CATALOGUE_ROUTES,
  ...BOOKING_ROUTES,
  ...SERIES_ROUTES,
  ...TICKET_ROUTES,
  ...EVENT_CANCELLATION_ROUTES,
  ...EVENT_RESCHEDULE_ROUTES,
  ...WAITLIST_ROUTES,
  ...SEARCH_ROUTES,
  ...PAYMENT_ROUTES,
  ...LEDGER_ROUTES,
  ...AUDIT_ROUTES,
  ...DEAD_LETTER_ROUTES,
  ...DELIVERY_STATE_ROUTES,
  ...RECONCILIATION_ROUTES,
  ...SAGA_ROUTES,
  ...INTEGRITY_ROUTES,
  ...WEBHOOK_ROUTES,
  ...TEXT_MESSAGE_ROUTES,
  ...OPERATION_ROUTES,
];
