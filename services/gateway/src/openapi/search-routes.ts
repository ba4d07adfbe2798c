import { list } from '@holdfast/shared/contracts/common';
import { searchQuery, searchResult } from '@holdfast/shared/contracts/search';
import type { ApiRoute } from './route.ts';

export const SEARCH_ROUTES: readonly ApiRoute[] = [
  {
    tag: 'Catalogue',
    target: 'booking',
    method: 'get',
    path: '/v1/search',
    operationId: 'search',
    summary: 'Find events that are not over, the soonest first, and resources',
    access: 'public',
    query: searchQuery,
    answers: {
      200: { description: 'A page; with `available` it may be short and still go on', schema: list(searchResult) },
    },
    problems: [],
  },
];
