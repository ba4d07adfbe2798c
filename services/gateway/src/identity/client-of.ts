import type { IncomingMessage } from 'node:http';
import type { Client } from './user.ts';

const MAX_AGENT = 256;

/** Makes the function that tells which program sends a request. `addressOf` sees through trusted proxies. */
export function clientFinder(addressOf: (req: IncomingMessage) => string): (req: IncomingMessage) => Client {
  return (req) => {
    // Headers are Latin-1 and may hold anything but a line break; what is kept is shown to people.
    const agent = req.headers['user-agent']?.replaceAll(/[^\x20-\x7e]/g, '').slice(0, MAX_AGENT);
    return { userAgent: agent === undefined || agent === '' ? null : agent, address: addressOf(req) };
  };
}
