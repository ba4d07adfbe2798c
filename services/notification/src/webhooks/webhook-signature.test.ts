import { expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, signWebhook } from './webhook-signature.ts';

test('receivers with the old secret and with the new one both accept it, others do not', () => {
  const [current, previous] = [newWebhookSecret(), newWebhookSecret()];
  const body = JSON.stringify({ type: 'booking.confirmed', data: { title: 'Café' } });
  const timestamp = Math.floor(Date.now() / 1_000);
  const headers = signWebhook([current, previous], { id: 'msg_1', timestamp, body });
  for (const secret of [current, previous]) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  expect(() => new Webhook(newWebhookSecret()).verify(body, headers)).toThrow();
  expect(() => new Webhook(current).verify(`${body}\n`, headers)).toThrow();
});
