import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { addressList } from './address-list.ts';

/** An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address: lists and limits must not see two. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}

/**
 * Makes a function that tells a client's address: the one of the socket, unless that is a trusted proxy; then the right-most
 * address of X-Forwarded-For that no trusted proxy wrote about itself. What stands further left was sent by the client and proves
 * nothing. `trusted`: addresses or CIDR ranges.
 */
export function clientAddressFinder(trusted: readonly string[]): (req: IncomingMessage) => string {
  const isTrusted = addressList(trusted);

  return (req) => {
    const socketAddress = plainAddress(req.socket.remoteAddress ?? '');
    if (trusted.length === 0 || !isTrusted(socketAddress)) return socketAddress;
    const header = req.headers['x-forwarded-for'];
    const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((hop) => hop.trim());
    let nearest = socketAddress;
    for (const hop of hops.reverse()) {
      const address = plainAddress(hop);
      // Something that is no address was not written by a proxy of ours: the hop before it is the last one that we know.
      if (isIP(address) === 0) return nearest;
      if (!isTrusted(address)) return address;
      nearest = address;
    }
    return nearest;
  };
}
