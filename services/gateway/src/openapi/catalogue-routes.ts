import {
  CSV_LIMIT_BYTES,
  catalogueListQuery,
  event,
  eventAvailabilityQuery,
  eventBody,
  eventPatch,
  hall,
  hallBody,
  hallImportBody,
  hallImportQuery,
  hallPatch,
  occupancy,
  resource,
  resourceAvailabilityQuery,
  resourceBody,
  resourcePatch,
  restoreBody,
  seatAvailability,
  slotAvailability,
  venue,
  venueBody,
  venuePatch,
} from '@holdfast/shared/contracts/catalogue';
import { list } from '@holdfast/shared/contracts/common';
import type { z } from 'zod';
import type { ApiRoute } from './route.ts';

const catalogue = { tag: 'Catalogue', target: 'booking' } as const;

/** What the routes of one collection need to know of it. */
interface Collection {
  readonly plural: string;
  readonly one: string;
  readonly body: z.ZodType;
  readonly patch: z.ZodType;
  readonly object: z.ZodType;
}

/** Create, list, read, change, archive and restore of one collection. */
function collection(names: Collection): readonly ApiRoute[] {
  const capital = names.one[0]!.toUpperCase() + names.one.slice(1);
  return [
    {
      ...catalogue,
      method: 'post',
      path: `/v1/${names.plural}`,
      operationId: `create${capital}`,
      summary: `Create a ${names.one}`,
      access: 'user',
      role: 'admin',
      idempotency: 'honoured',
      body: names.body,
      answers: { 201: { description: `The ${names.one}`, schema: names.object, carries: ['Location', 'ETag'] } },
      problems: ['forbidden', 'not_found', 'archived', 'idempotency_key_reused', 'idempotency_in_progress'],
    },
    {
      ...catalogue,
      method: 'get',
      path: `/v1/${names.plural}`,
      operationId: `list${capital}s`,
      summary: `List ${names.plural}`,
      access: 'public',
      query: catalogueListQuery,
      answers: { 200: { description: `A page of ${names.plural}`, schema: list(names.object) } },
      problems: [],
    },
    {
      ...catalogue,
      method: 'get',
      path: `/v1/${names.plural}/:id`,
      operationId: `get${capital}`,
      summary: `Read a ${names.one}`,
      access: 'public',
      answers: { 200: { description: `The ${names.one}`, schema: names.object, carries: ['ETag'] } },
      problems: ['not_found'],
    },
    {
      ...catalogue,
      method: 'patch',
      path: `/v1/${names.plural}/:id`,
      operationId: `update${capital}`,
      summary: `Change fields of a ${names.one}`,
      access: 'user',
      role: 'admin',
      ifMatch: true,
      body: names.patch,
      answers: { 200: { description: `The ${names.one} as it is now`, schema: names.object, carries: ['ETag'] } },
      problems: ['forbidden', 'not_found', 'archived', 'in_use'],
    },
    {
      ...catalogue,
      method: 'delete',
      path: `/v1/${names.plural}/:id`,
      operationId: `archive${capital}`,
      summary: `Archive a ${names.one} that no live booking depends on`,
      access: 'user',
      role: 'admin',
      ifMatch: true,
      answers: { 204: { description: 'Archived', carries: ['ETag'] } },
      problems: ['forbidden', 'not_found', 'in_use'],
    },
    {
      ...catalogue,
      method: 'post',
      path: `/v1/${names.plural}/:id/restore`,
      operationId: `restore${capital}`,
      summary: `Take a ${names.one} out of the archive`,
      access: 'user',
      role: 'admin',
      idempotency: 'honoured',
      body: restoreBody,
      answers: { 200: { description: `The ${names.one}`, schema: names.object, carries: ['ETag'] } },
      problems: ['forbidden', 'not_found', 'archived', 'idempotency_key_reused', 'idempotency_in_progress'],
    },
  ];
}

export const CATALOGUE_ROUTES: readonly ApiRoute[] = [
  ...collection({ plural: 'venues', one: 'venue', body: venueBody, patch: venuePatch, object: venue }),
  ...collection({ plural: 'resources', one: 'resource', body: resourceBody, patch: resourcePatch, object: resource }),
  ...collection({ plural: 'halls', one: 'hall', body: hallBody, patch: hallPatch, object: hall }),
  ...collection({ plural: 'events', one: 'event', body: eventBody, patch: eventPatch, object: event }),
  {
    ...catalogue,
    method: 'post',
    path: '/v1/halls/import',
    operationId: 'importHall',
    summary: 'Create a hall from CSV: every error by line, or the whole hall',
    access: 'user',
    role: 'admin',
    idempotency: 'honoured',
    query: hallImportQuery,
    body: hallImportBody,
    rawBody: { type: 'text/csv', limitBytes: CSV_LIMIT_BYTES },
    answers: { 201: { description: 'The hall', schema: hall, carries: ['Location', 'ETag'] } },
    problems: ['forbidden', 'idempotency_key_reused', 'idempotency_in_progress'],
  },
  {
    ...catalogue,
    method: 'get',
    path: '/v1/events/:id/availability',
    operationId: 'getEventAvailability',
    summary: 'What is free at an event: each seat of a hall, counts of a pool',
    access: 'public',
    query: eventAvailabilityQuery,
    answers: {
      200: { description: 'Counts, and seats with their status', schema: seatAvailability, carries: ['ETag'] },
    },
    problems: ['not_found'],
  },
  {
    ...catalogue,
    method: 'get',
    path: '/v1/events/:id/occupancy',
    operationId: 'getEventOccupancy',
    summary: 'How full an event is, by state and category',
    access: 'user',
    role: 'operator',
    answers: { 200: { description: 'Places and percentages', schema: occupancy } },
    problems: ['forbidden', 'not_found'],
  },
  {
    ...catalogue,
    method: 'get',
    path: '/v1/resources/:id/availability',
    operationId: 'getResourceAvailability',
    summary: 'The slots of a resource on one or more days of its venue',
    access: 'public',
    query: resourceAvailabilityQuery,
    answers: { 200: { description: 'Slots in order', schema: slotAvailability, carries: ['ETag'] } },
    problems: ['not_found'],
  },
];
