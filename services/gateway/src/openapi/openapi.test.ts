import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PROBLEMS } from '@holdfast/shared/problems';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';
import { createOpenApiDocument } from './document.ts';
import { ROUTES } from './route-table.ts';
import { openApiPath } from './route.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const document = createOpenApiDocument(ROUTES);

/** Every value under the key `name`, anywhere in the document. */
function valuesOf(name: string, node: unknown = document): unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node as Record<string, unknown>).flatMap(([key, value]) => [
    ...(key === name ? [value] : []),
    ...valuesOf(name, value),
  ]);
}

describe('the OpenAPI document', () => {
  test('is served as it is made', async () => {
    const { status, json, headers } = await gateway.call('/openapi.json');
    expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(json).toEqual(JSON.parse(JSON.stringify(document)));
    expect(json.openapi).toBe('3.1.0');
  });

  test('has each route of the table once, under an operation id of its own', () => {
    const inDocument = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    const inTable = ROUTES.map((route) => `${route.method} ${openApiPath(route.path)}`);
    expect(inDocument.sort()).toEqual(inTable.sort());
    expect(new Set(ROUTES.map((route) => route.operationId)).size).toBe(ROUTES.length);
  });

  test('refers to nothing that it does not have', () => {
    const refs = valuesOf('$ref').map(String);
    expect(refs.length).toBeGreaterThan(20);
    for (const ref of refs) {
      const [root, ...path] = ref.split('/');
      expect(root).toBe('#');
      let node: unknown = document;
      for (const part of path) node = (node as Record<string, unknown>)[part];
      expect(node).toBeDefined();
    }
  });

  test('names the fields, the keys and the answers that a client needs', () => {
    const post = document.paths?.['/v1/bookings']?.post;
    expect(post?.parameters).toContainEqual(
      expect.objectContaining({ in: 'header', name: 'Idempotency-Key', required: true }),
    );
    expect(Object.keys(post?.responses ?? {}).sort()).toEqual(
      ['201', '400', '401', '403', '404', '409', '413', '415', '421', '422', '429', '500', '503'].sort(),
    );
    expect(document.components?.schemas).toMatchObject({
      Booking: expect.anything(),
      HoldSeats: expect.objectContaining({ additionalProperties: false }),
      Problem: expect.anything(),
    });
  });
});

test('each route of the table is mounted', async () => {
  const { access } = await gateway.signUp();
  for (const route of ROUTES) {
    const path = route.path.replace(/:[a-z]+/g, 'x');
    const { status, json } = await gateway.call(path, {
      method: route.method.toUpperCase(),
      token: access,
      ...(route.body ? { body: {} } : {}),
    });
    // A route that is not mounted falls through to 405, the answer of the table itself. logout-all may end our session: 401 is an answer too.
    expect([route.operationId, status === 405 || json.code === 'not_found']).toEqual([route.operationId, false]);
  }
});

describe('the interactive documentation', () => {
  test('needs nothing from another machine', async () => {
    const { status, text, headers } = await gateway.call('/docs');
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    const sources = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(sources).toHaveLength(3);
    for (const source of sources) {
      const asset = await gateway.call(source);
      expect([source, asset.status]).toEqual([source, 200]);
      expect(asset.headers['content-type']).toMatch(/^text\/(css|javascript)/);
    }
  });
});

describe('the problem pages', () => {
  test.each(Object.keys(PROBLEMS))('%s has one', async (code) => {
    const { status, text, headers } = await gateway.call(`/problems/${code}`, { headers: { accept: 'text/html' } });
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(text).toContain(`<code>${code}</code>`);
  });

  test('are listed, and are JSON for a client that asks for it', async () => {
    const page = await gateway.call('/problems', { headers: { accept: 'text/html' } });
    expect(page.text.match(/href="\/problems\//g)).toHaveLength(Object.keys(PROBLEMS).length);
    const list = await gateway.call('/problems', { headers: { accept: 'application/json' } });
    expect(list.json.data).toHaveLength(Object.keys(PROBLEMS).length);
    const one = await gateway.call('/problems/off_grid', { headers: { accept: 'application/json' } });
    expect(one.json).toMatchObject({ code: 'off_grid', status: 422, type: '/problems/off_grid' });
  });

  test.each(['constructor', '__proto__', 'toString', 'nothing'])('%s is not a problem', async (code) => {
    expect((await gateway.call(`/problems/${code}`)).status).toBe(404);
  });
});
