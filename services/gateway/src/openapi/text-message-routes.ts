import { phone, registerPhoneBody, verifyPhoneBody } from '@holdfast/shared/contracts/text-messages';
import type { ApiRoute } from './route.ts';

const texts = { tag: 'Text messages', target: 'notification', access: 'user' } as const;

export const TEXT_MESSAGE_ROUTES: readonly ApiRoute[] = [
  {
    ...texts,
    method: 'get',
    path: '/v1/text-messages/phone',
    operationId: 'getPhone',
    summary: 'The number to which text messages about your bookings go',
    answers: { 200: { description: 'The number', schema: phone } },
    problems: ['not_found'],
  },
  {
    ...texts,
    method: 'post',
    path: '/v1/text-messages/phone',
    operationId: 'registerPhone',
    summary: 'Name your number, in place of a former one; a code is sent there',
    body: registerPhoneBody,
    answers: { 202: { description: 'Kept, to be verified', schema: phone } },
    problems: ['text_messages_off', 'rate_limited'],
  },
  {
    ...texts,
    method: 'post',
    path: '/v1/text-messages/phone/verify',
    operationId: 'verifyPhone',
    summary: 'Send the code back; from then on text messages go to the number',
    body: verifyPhoneBody,
    answers: { 200: { description: 'Verified', schema: phone } },
    problems: ['not_found', 'phone_code_wrong', 'phone_code_expired', 'text_messages_off'],
  },
  {
    ...texts,
    method: 'delete',
    path: '/v1/text-messages/phone',
    operationId: 'deletePhone',
    summary: 'No text messages any more',
    answers: { 204: { description: 'Forgotten' } },
    problems: ['not_found'],
  },
];
