import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { routeFinder } from './find-route.ts';
import { pathParameters } from './route.ts';
import { ROUTES } from './route-table.ts';

const find = routeFinder(ROUTES);
const parameter = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

describe('the route of a path', () => {
  test('is found for each route of the table, whatever its parameters are', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ROUTES), fc.array(parameter, { minLength: 5, maxLength: 5 }), (route, values) => {
        const names = pathParameters(route.path);
        const path = names.reduce((so, name, i) => so.replace(`:${name}`, values[i]!), route.path);
        const found = find(route.method.toUpperCase(), path);
        // A value may be the name of another route; then the first of the two in the table is the one.
        expect(ROUTES.indexOf(found!)).toBeGreaterThanOrEqual(0);
        expect(ROUTES.indexOf(found!)).toBeLessThanOrEqual(ROUTES.indexOf(route));
        if (!values.some((value) => ROUTES.some(({ path: other }) => other.split('/').includes(value)))) {
          expect(found).toBe(route);
        }
      }),
    );
  });

  test('is that of GET for HEAD', () => {
    expect(find('HEAD', '/v1/events')?.operationId).toBe('listEvents');
  });

  test.each([
    ['GET', '/v1/bookings/upcoming', 'listUpcomingBookings'],
    ['GET', '/v1/bookings/bkg_1', 'getBooking'],
    ['POST', '/v1/halls/import', 'importHall'],
  ])('of two that fit is the one that stands first in the table: %s %s', (method, path, operationId) => {
    expect(find(method, path)?.operationId).toBe(operationId);
  });

  test.each([
    ['another method', 'PUT', '/v1/bookings/bkg_1'],
    ['OPTIONS', 'OPTIONS', '/v1/bookings/bkg_1'],
    ['a slash at the end', 'GET', '/v1/bookings/bkg_1/'],
    ['a slash too many', 'GET', '//v1/bookings/bkg_1'],
    ['nothing where a parameter stands', 'POST', '/v1/bookings//cancel'],
    ['encoded letters', 'GET', '/v1/bookings/%62kg_1'],
    ['a way up', 'GET', '/v1/bookings/..'],
    ['other capitals', 'GET', '/V1/bookings/bkg_1'],
    ['absolute form', 'GET', 'http://somebody.example/v1/bookings/bkg_1'],
    ['no path', 'GET', '*'],
    ['a parameter that is too long', 'GET', `/v1/bookings/${'a'.repeat(65)}`],
    ['an inherited name', 'constructor', '/v1/bookings/bkg_1'],
  ])('is left to the router for %s', (_what, method, path) => {
    expect(find(method, path)).toBeNull();
  });
});
