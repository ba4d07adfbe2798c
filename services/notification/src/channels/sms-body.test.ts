import { describe, expect, test } from '@jest/globals';
import { fillBody, isSmsBody } from './sms-body.ts';

const fields = { from: '+4930123', to: '+15551234567', text: 'Confirmed: "Faust" & more\n{id} ü', id: 'dlv_1' };

test('a JSON body keeps its form whatever the text has in it', () => {
  const { type, content } = fillBody('{"from":"{from}","to":["{to}"],"text":"{text}","ref":"{id}"}', fields);
  expect(type).toBe('application/json');
  expect(JSON.parse(content)).toEqual({ from: fields.from, to: [fields.to], text: fields.text, ref: 'dlv_1' });
});

test('a form gets the same values', () => {
  const { type, content } = fillBody('From={from}&To={to}&Body={text}', fields);
  expect(type).toBe('application/x-www-form-urlencoded');
  expect(Object.fromEntries(new URLSearchParams(content))).toEqual({
    From: fields.from,
    To: fields.to,
    Body: fields.text,
  });
});

describe('a template', () => {
  test.each(['{"to":"{to}","text":"{text}"}', '[{"to":"{to}","body":"{text}"}]', 'To={to}&Body={text}'])(
    '%s is one',
    (template) => expect(isSmsBody(template)).toBe(true),
  );
  test.each([
    '',
    'hello',
    'To={to}',
    '{"text":"{text}"}',
    '{"to":"{to}","text":{text}}',
    '{"to":"{to}","text":"{text}"',
  ])('%j is none', (template) => expect(isSmsBody(template)).toBe(false));
});
