import { BlockList, isIP } from 'node:net';

/** Networks from which callbacks are taken. Null when one of them is not a network. */
export function parseCidrs(cidrs: readonly string[]): BlockList | null {
  const allowed = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits, ...rest] = cidr.split('/');
    const family = isIP(address);
    const widest = family === 4 ? 32 : 128;
    if (family === 0 || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return null;
    const prefix = bits === undefined ? widest : Number(bits);
    if (prefix > widest) return null;
    allowed.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return allowed;
}

/** Whether `address` lies in one of the networks. An IPv4 address in IPv6 form counts as the IPv4 address that it is. */
export function isAllowedSource(allowed: BlockList, address: string): boolean {
  const plain = address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  const family = isIP(plain);
  if (family === 0) return false;
  return allowed.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}
