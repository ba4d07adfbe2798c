import { list } from '@holdfast/shared/contracts/common';
import {
  cancelSeriesBody,
  dropOccurrenceBody,
  series,
  seriesBody,
  seriesListQuery,
  seriesPreview,
  seriesSummary,
} from '@holdfast/shared/contracts/series';
import type { ApiRoute } from './route.ts';

const recurring = { tag: 'Series', target: 'booking', access: 'user' } as const;
const KEYED = [
  'idempotency_key_missing',
  'idempotency_key_invalid',
  'idempotency_key_reused',
  'idempotency_in_progress',
] as const;
const PLANNED = [
  'not_found',
  'archived',
  'conflict',
  'invalid_recurrence',
  'endless_recurrence',
  'too_many_occurrences',
  'unknown_occurrence',
] as const;
const theSeries = { description: 'The series with its occurrences', schema: series, carries: ['ETag'] } as const;
const CHANGED = {
  200: theSeries,
  202: { ...theSeries, description: 'Accepted: a booking is cancelled when the outcome of its payment is known' },
} as const;

export const SERIES_ROUTES: readonly ApiRoute[] = [
  {
    ...recurring,
    method: 'post',
    path: '/v1/series',
    operationId: 'createSeries',
    summary: 'Book a resource again and again, by a recurrence rule in the time zone of its venue',
    idempotency: 'required',
    body: seriesBody,
    answers: {
      201: {
        ...theSeries,
        description: 'Accepted: what begins soon is HELD, the rest PENDING',
        carries: ['Location', 'ETag'],
      },
    },
    problems: [...KEYED, ...PLANNED, 'series_conflicts', 'too_many_series', 'too_many_holds'],
  },
  {
    ...recurring,
    method: 'post',
    path: '/v1/series/preview',
    operationId: 'previewSeries',
    summary: 'A verdict for each occurrence of a series; nothing is held',
    body: seriesBody,
    answers: { 200: { description: 'The verdicts', schema: seriesPreview } },
    problems: PLANNED,
  },
  {
    ...recurring,
    method: 'get',
    path: '/v1/series',
    operationId: 'listSeries',
    summary: 'The series of the caller, newest first',
    query: seriesListQuery,
    answers: { 200: { description: 'A page of series', schema: list(seriesSummary) } },
    problems: ['forbidden'],
  },
  {
    ...recurring,
    method: 'get',
    path: '/v1/series/:id',
    operationId: 'getSeries',
    summary: 'Read a series with its occurrences and their bookings',
    answers: { 200: theSeries },
    problems: ['not_found'],
  },
  {
    ...recurring,
    method: 'post',
    path: '/v1/series/:id/exceptions',
    operationId: 'dropOccurrence',
    summary: 'Take one occurrence out of a series',
    idempotency: 'required',
    body: dropOccurrenceBody,
    answers: CHANGED,
    problems: [...KEYED, 'not_found', 'unknown_occurrence', 'not_cancellable'],
  },
  {
    ...recurring,
    method: 'post',
    path: '/v1/series/:id/cancel',
    operationId: 'cancelSeries',
    summary: 'Cancel what is still to come of a series, or an occurrence and all that follow',
    idempotency: 'required',
    body: cancelSeriesBody,
    answers: CHANGED,
    problems: [...KEYED, 'not_found'],
  },
];
