import { describe, expect, test } from '@jest/globals';
import asyncapi from '@asyncapi/specs';
import { Ajv } from 'ajv';
import { FAMILIES, streamOf, subjectOf, type Family } from '../bus/topology.ts';
import { toOutboxRows } from '../outbox/outbox.ts';
import { createAsyncApiDocument } from './asyncapi-document.ts';

const document = createAsyncApiDocument('1.0.0');
const BOOKING = 'bkg_01k9zzzzzzzzzzzzzzzzzzzzzz';
const DELIVERY = 'dlv_01k9zzzzzzzzzzzzzzzzzzzzzz';

const due = (data: unknown) =>
  JSON.parse(
    toOutboxRows('/notification', [
      {
        ...{ family: 'notification_retry', name: 'due', orderingKey: DELIVERY, seq: 1, cause: 'loop', data },
        at: new Date('2027-01-04T18:00:00Z'),
      },
    ]).payloads[0]!,
  ) as unknown;

describe('the event catalogue', () => {
  test('is an AsyncAPI 3.0 document', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const valid = ajv.compile(asyncapi.schemasWithoutId['3.0.0'] as object);
    expect(valid(document) ? [] : valid.errors).toEqual([]);
  });

  test('says of every event what it tells', () => {
    const silent = Object.values(document.components.messages).filter(({ summary }) => summary === '');
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  test.each(Object.keys(FAMILIES) as Family[])('has for %s the subjects that are published to', (family) => {
    const { address, messages } = document.channels[family]!;
    for (const event of Object.keys(messages)) {
      const [, partition] = /\.(\d\d)\./.exec(subjectOf(family, BOOKING, event))!;
      const subject = address.replace('{partition}', partition!).replace('{event}', event);
      expect(subject).toBe(subjectOf(family, BOOKING, event));
      expect(() => streamOf(subject)).not.toThrow();
    }
  });

  test('allows what is published, and refuses other data, another type and a field that is missing', () => {
    const allows = new Ajv().compile(document.components.messages['holdfast.notification_retry.due.v1']!.payload);
    const envelope = due({ delivery_id: DELIVERY }) as object;
    expect(allows(envelope)).toBe(true);
    expect(allows({ ...envelope, later: 'fields of a later release' })).toBe(true);
    expect(allows(due({ delivery_id: BOOKING }))).toBe(false);
    expect(allows(due({}))).toBe(false);
    expect(allows({ ...envelope, type: 'holdfast.hold.held.v1' })).toBe(false);
    expect(allows({ ...envelope, cause: undefined })).toBe(false);
  });
});
