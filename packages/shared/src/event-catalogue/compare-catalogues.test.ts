import { describe, expect, test } from '@jest/globals';
import { createAsyncApiDocument, type AsyncApiDocument } from './asyncapi-document.ts';
import { incompatibilities } from './compare-catalogues.ts';

interface Loose {
  type?: string;
  description?: string;
  enum?: string[];
  properties: Record<string, Loose>;
  required: string[];
  items?: Loose;
  anyOf?: Loose[];
}

const last = createAsyncApiDocument('1.0.0');
const HELD = 'holdfast.hold.held.v1';
const CONFIRMED = 'holdfast.booking.confirmed.v1';

const copy = (document: AsyncApiDocument) => JSON.parse(JSON.stringify(document)) as AsyncApiDocument;

/** The catalogue of a next release, in which `change` was made to the data of one event. */
function changed(type: string, change: (data: Loose) => void): AsyncApiDocument {
  const next = copy(last);
  change((next.components.messages[type]!.payload as Loose).properties['data']!);
  return next;
}

const findings = (type: string, change: (data: Loose) => void) => incompatibilities(last, changed(type, change));

describe('what two releases understand', () => {
  test('the same catalogue, also under another version', () => {
    expect(incompatibilities(last, createAsyncApiDocument('2.0.0'))).toEqual([]);
  });

  test('another description, and a new field that nobody has to send, at any depth', () => {
    expect(findings(HELD, (data) => (data.properties['quantity']!.description = 'how many'))).toEqual([]);
    expect(findings(HELD, (data) => (data.properties['colour'] = { type: 'string' } as Loose))).toEqual([]);
    const inTicket = (data: Loose) =>
      (data.properties['tickets']!.items!.properties['colour'] = { type: 'string' } as Loose);
    expect(findings(CONFIRMED, inTicket)).toEqual([]);
  });

  test('a new event, and a new channel', () => {
    const next = copy(last) as unknown as {
      components: { messages: Record<string, unknown> };
      channels: Record<string, unknown>;
    };
    next.components.messages['holdfast.hold.held.v2'] = next.components.messages[HELD];
    next.channels['more'] = next.channels['hold'];
    expect(incompatibilities(last, next as unknown as AsyncApiDocument)).toEqual([]);
  });
});

describe('what one of two releases misreads', () => {
  test.each<[string, string, (data: Loose) => unknown, string]>([
    ['a field is gone', HELD, (data) => delete data.properties['seats'], `${HELD}.data.seats is gone`],
    [
      'a field of a part is gone',
      CONFIRMED,
      (data) => delete data.properties['tickets']!.items!.properties['code'],
      `${CONFIRMED}.data.tickets[].code is gone`,
    ],
    [
      'a new field must be sent',
      HELD,
      (data) => {
        data.properties['colour'] = { type: 'string' } as Loose;
        data.required.push('colour');
      },
      `${HELD}.data.colour is new and required: earlier events lack it`,
    ],
    [
      'a field that could be missing must be sent',
      CONFIRMED,
      (data) => data.required.push('tickets'),
      `${CONFIRMED}.data.tickets is required now: earlier events may lack it`,
    ],
    [
      'a field need not be sent any more',
      HELD,
      (data) => (data.required = data.required.filter((name) => name !== 'seats')),
      `${HELD}.data.seats need not be sent any more: earlier readers want it`,
    ],
    [
      'a type is narrower',
      CONFIRMED,
      (data) => (data.properties['inventory']!.enum = ['slots', 'seats']),
      `${CONFIRMED}.data.inventory: enum was ["slots","seats","pool"] and is ["slots","seats"] now`,
    ],
    [
      'a type is wider',
      CONFIRMED,
      (data) => data.properties['inventory']!.enum!.push('tables'),
      `${CONFIRMED}.data.inventory: enum was ["slots","seats","pool"] and is ["slots","seats","pool","tables"] now`,
    ],
    [
      'a type is another',
      HELD,
      (data) => (data.properties['quantity']!.type = 'string'),
      `${HELD}.data.quantity: type was "integer" and is "string" now`,
    ],
    [
      'what could be null cannot be any more',
      HELD,
      (data) => data.properties['event_id']!.anyOf!.pop(),
      `${HELD}.data.event_id (one of): 2 parts before, 1 now`,
    ],
  ])('%s', (_, type, change, finding) => {
    expect(findings(type, change)).toEqual([finding]);
  });

  test('an event is gone, a channel is, or it is at another address', () => {
    const next = copy(last) as unknown as {
      components: { messages: Record<string, unknown> };
      channels: Record<string, { address: string }>;
    };
    delete next.components.messages[HELD];
    delete next.channels['hold'];
    next.channels['payment']!.address = 'money.{partition}.{event}';
    expect(incompatibilities(last, next as unknown as AsyncApiDocument)).toEqual([
      'channel hold is gone',
      'channel payment was at payment.payment.{partition}.{event} and is at money.{partition}.{event} now',
      `${HELD} is gone`,
    ]);
  });
});
