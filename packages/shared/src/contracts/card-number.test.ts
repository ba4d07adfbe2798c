import { expect, test } from '@jest/globals';
import { hasCardNumber } from './common.ts';

test.each(['4242424242424242', 'my card is 4242 4242 4242 4242, thanks', '3782-822463-10005', 'x6011111111111117y'])(
  'a card number is found in %s',
  (text) => expect(hasCardNumber(text)).toBe(true),
);

test.each([
  '4242424242424241',
  '0000000000000000',
  'BK20270104-7K3Q9D',
  'call +44 20 7946 0958',
  '2027-01-04T18:00:00Z to 20:00',
  '1234 5678',
  'bkg_01k9aaaaaaaaaaaaaaaaaaaaaa',
])('nothing is found in %s', (text) => expect(hasCardNumber(text)).toBe(false));
