import {
  deadLetterReplay,
  deadLetterReplayPlan,
  replayDeadLettersBody,
} from '@holdfast/shared/contracts/dead-letter-replays';
import {
  deadLetterGroupList,
  deadLetterGroupQuery,
  deadLetterInFull,
  deadLetterList,
  deadLetterQuery,
  discardDeadLetterBody,
  emptyDeadLetterBody,
} from '@holdfast/shared/contracts/dead-letters';
import type { ApiRoute } from './route.ts';

const letters = { method: 'get', tag: 'Operations', target: 'gateway', access: 'user', role: 'operator' } as const;

const decision = {
  method: 'post',
  answers: { 200: { description: 'The letter after it', schema: deadLetterInFull } },
} as const;
const REFUSED = ['forbidden', 'not_found', 'dead_letter_settled', 'dependency_unavailable'] as const;

const replay = { 200: { description: 'How far it is', schema: deadLetterReplay } } as const;

/** Messages that consumers gave up, of every service. */
export const DEAD_LETTER_ROUTES: readonly ApiRoute[] = [
  {
    ...letters,
    path: '/v1/ops/dead-letters',
    operationId: 'listDeadLetters',
    summary: 'Messages that a consumer gave up, newest first',
    query: deadLetterQuery,
    answers: { 200: { description: 'A page of the dead letters of all services', schema: deadLetterList } },
    problems: ['forbidden'],
  },
  {
    ...letters,
    path: '/v1/ops/dead-letters/groups',
    operationId: 'groupDeadLetters',
    summary: 'Open dead letters by consumer, type and cause, the largest groups first',
    query: deadLetterGroupQuery,
    answers: { 200: { description: 'At most 100 groups of a service', schema: deadLetterGroupList } },
    problems: ['forbidden'],
  },
  {
    ...letters,
    method: 'post',
    path: '/v1/ops/dead-letters/replay',
    operationId: 'replayDeadLetters',
    summary: 'Replay all open letters that a filter finds, at a bounded rate; or only count them',
    body: replayDeadLettersBody,
    answers: {
      200: { description: 'Of a dry run: what the filter finds', schema: deadLetterReplayPlan },
      202: { description: 'It runs; Location shows how far it is', schema: deadLetterReplay, carries: ['Location'] },
    },
    problems: ['forbidden', 'dependency_unavailable'],
  },
  {
    ...letters,
    path: '/v1/ops/dead-letters/replays/:id',
    operationId: 'getDeadLetterReplay',
    summary: 'How far the replay of many letters is',
    answers: replay,
    problems: ['forbidden', 'not_found', 'dependency_unavailable'],
  },
  {
    ...letters,
    method: 'post',
    path: '/v1/ops/dead-letters/replays/:id/stop',
    operationId: 'stopDeadLetterReplay',
    summary: 'Replay no more of its letters; those whose turn has not come stay open',
    body: emptyDeadLetterBody,
    answers: replay,
    problems: ['forbidden', 'not_found', 'dead_letter_replay_over', 'dependency_unavailable'],
  },
  {
    ...letters,
    path: '/v1/ops/dead-letters/:id',
    operationId: 'getDeadLetter',
    summary: 'One dead letter with its payload, and how many events wait behind it',
    answers: { 200: { description: 'The dead letter', schema: deadLetterInFull } },
    problems: ['forbidden', 'not_found', 'dependency_unavailable'],
  },
  {
    ...letters,
    ...decision,
    path: '/v1/ops/dead-letters/:id/replay',
    operationId: 'replayDeadLetter',
    summary:
      'Hand an open letter to its consumer once more: it takes effect in its turn, and what waits behind it follows',
    body: emptyDeadLetterBody,
    problems: [...REFUSED, 'dead_letter_unreadable'],
  },
  {
    ...letters,
    ...decision,
    path: '/v1/ops/dead-letters/:id/discard',
    operationId: 'discardDeadLetter',
    summary: 'Give an open letter up for good: what waits behind it goes on',
    body: discardDeadLetterBody,
    problems: [...REFUSED, 'dead_letter_overtaken'],
  },
  {
    ...letters,
    ...decision,
    path: '/v1/ops/dead-letters/:id/restore',
    operationId: 'restoreDeadLetter',
    summary: 'Take a discard back, as long as nothing has come after it',
    body: emptyDeadLetterBody,
    problems: [...REFUSED, 'dead_letter_overtaken'],
  },
];
