import { isIP } from 'node:net';

/** The IPv6 network that counts as one sender. Providers give a household a /56 or a /64, and each address in it is free to use. */
const IPV6_BITS = 56;
const REMEMBERED = 10_000;

const remembered = new Map<string, string>();

/** Under what an address is counted: an IPv4 address as it is, an IPv6 address by its /56. `address` as `clientAddressFinder` gives it. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  let key = remembered.get(address);
  if (key === undefined) {
    key = networkOf(address);
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(address, key);
  }
  return key;
}

function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const bare = address.split('%')[0]!;
  const [head = '', tail] = bare.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), groups(tail ?? '')];
  // What the double colon stands for is only ever looked at in the first 56 bits; an IPv4 tail is in the last 32.
  const missing = tail === undefined ? 0 : 8 - first.length - last.length;
  const all = [...first, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...last];
  const bits = all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('')
    .slice(0, IPV6_BITS)
    .padEnd(64, '0');
  const network = bits.match(/.{16}/g)!.map((group) => Number.parseInt(group, 2).toString(16));
  return `${network.join(':')}::/${IPV6_BITS}`;
}
