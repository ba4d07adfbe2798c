import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hall } from '@holdfast/shared/contracts/catalogue';
import { newId } from '@holdfast/shared/ids';
import { setupCatalogue, type CatalogueFixture } from '../../testing/catalogue-fixture.ts';
import { pointersOf, type RequestOptions } from '../../testing/http-fixture.ts';

let catalogue: CatalogueFixture;
let venueId: string;
beforeAll(async () => {
  catalogue = await setupCatalogue();
  venueId = await catalogue.venue();
});
afterAll(() => catalogue.stop());

const CSV = 'row,seats,category,accessible\r\nA,3,premium,1\r\nB,2,,1;2\r\n';
const send = (csv: string, options: RequestOptions = {}, query = `venue_id=${venueId}&name=Great%20hall`) =>
  catalogue.post(`/v1/halls/import?${query}`, csv, {
    ...options,
    headers: { 'content-type': 'text/csv', ...options.headers },
  });

test('a hall is made as if it had been sent in JSON', async () => {
  const reply = await send(CSV);
  expect(reply.status).toBe(201);
  expect(hall.parse(reply.body)).toEqual(reply.body);
  expect(reply.body).toMatchObject({
    name: 'Great hall',
    seat_count: 5,
    rows: [
      { row: 'A', seats: 3, category: 'premium', accessible: [1] },
      { row: 'B', seats: 2, category: 'standard', accessible: [1, 2] },
    ],
  });
  const read = await catalogue.get(reply.headers.get('location')!);
  expect(read.body).toEqual(reply.body);
});

test.each([
  ['columns in another order, and only those that are needed', 'seats,row\n3,A\n'],
  ['quoted cells', '"row","seats"\n"A","3"\n'],
  ['a byte order mark', '\ufeffrow,seats\nA,3\n'],
  ['no line end at the end', 'row,seats\nA,3'],
])('%s', async (_what, csv) => {
  expect((await send(csv)).body).toMatchObject({ seat_count: 3 });
});

test('every error is told with its line, and nothing is made', async () => {
  const before = await catalogue.rowCount();
  const reply = await send(
    [
      'row,seats,category,accessible',
      'A,3,premium,4',
      'B,x,,',
      'C-1,2,,',
      'A,2,,',
      'D,2,"wrong" quoting,',
      'E,2',
      'F,0,UPPER,one',
      'G,2,,',
    ].join('\n'),
  );
  expect(reply).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  expect([...new Set(pointersOf(reply))]).toEqual(['line:2', 'line:3', 'line:4', 'line:6', 'line:7', 'line:8']);
  expect(pointersOf(reply).filter((pointer) => pointer === 'line:8')).toHaveLength(3);
  expect(await catalogue.rowCount()).toBe(before);
});

test.each([
  ['nothing', '', ['line:1']],
  ['only columns', 'row,seats\n', ['line:1']],
  ['an unknown column', 'row,seats,colour\nA,3,red', ['line:1']],
  ['a column twice', 'row,seats,row\nA,3,A', ['line:1']],
  ['no seats', 'row,category\nA,standard', ['line:1']],
  ['columns that are wrongly quoted', '"row,seats\nA,3', ['line:1']],
  ['a row that stands twice', 'row,seats\nA,3\nB,1\nA,2', ['line:4']],
  [
    'more rows than a hall has',
    `row,seats\n${Array.from({ length: 501 }, (_, n) => `R${n},1`).join('\n')}`,
    ['line:502'],
  ],
  [
    'more seats than a hall has',
    `row,seats\n${Array.from({ length: 202 }, (_, n) => `R${n},500`).join('\n')}`,
    ['line:202'],
  ],
])('with %s it is refused', async (_what, csv, pointers) => {
  const reply = await send(csv);
  expect([reply.status, pointersOf(reply)]).toEqual([422, pointers]);
});

describe('the query', () => {
  test.each([
    ['name=x', ['?venue_id']],
    ['venue_id=ven_x&name=x', ['?venue_id']],
    [`venue_id=${newId('ven')}&name=x`, ['?venue_id']],
    [`venue_id=VENUE`, ['?name']],
    [`venue_id=VENUE&name=`, ['?name']],
    [`venue_id=VENUE&name=x&colour=red`, ['?colour']],
  ])('%s is refused with a pointer', async (query, pointers) => {
    const reply = await send(CSV, {}, query.replace('VENUE', venueId));
    expect([reply.status, pointersOf(reply)]).toEqual([422, pointers]);
  });
});

test('only CSV in UTF-8, plain, of up to 1 MiB is taken', async () => {
  for (const type of ['application/json', 'text/plain', 'text/csv; charset=latin1']) {
    expect([type, (await send(CSV, { headers: { 'content-type': type } })).status]).toEqual([type, 415]);
  }
  expect((await send(CSV, { headers: { 'content-type': 'text/csv; charset="utf-8"' } })).status).toBe(201);
  expect((await send(CSV, { headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
  expect((await send(`${CSV}${'\n'.repeat(1024 * 1024)}`)).status).toBe(413);
  expect((await send(`${CSV}${'\n'.repeat(1000 * 1024)}`)).status).toBe(201);
});

test('one Idempotency-Key imports once; another text under it is refused', async () => {
  const headers = { 'idempotency-key': newId('req') };
  const [first, second] = [await send(CSV, { headers }), await send(CSV, { headers })];
  expect(second.text).toBe(first.text);
  expect(second.headers.get('idempotent-replayed')).toBe('true');
  expect((await send('row,seats\nA,1', { headers })).body.code).toBe('idempotency_key_reused');
});

test('only an admin imports, and it is audited', async () => {
  expect((await send(CSV, { as: null })).status).toBe(401);
  expect((await send(CSV, { as: 'operator' })).status).toBe(403);
  const { body } = await send(CSV);
  const audit = await catalogue.get(`/internal/audit?entity=${body.id}`, { as: 'admin' });
  expect(audit.body.data).toMatchObject([{ action: 'create', before: null }]);
});
