import dns, { type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface TargetPolicy {
  readonly ports: readonly number[];
  /** `host` or `host:port` of URLs that may be http and lead to any address: for development alone. */
  readonly developmentTargets: readonly string[];
}

export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

const RESOLVE_LIMIT_MS = 2_000;
const GLOBAL_IPV6 = ipaddr.IPv6.parse('2000::');

/** Whether an address may be anybody's on the internet. Private, local, shared, mapped, translated and reserved ones are not. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_IPV6, 3);
}

/** Decides where webhooks may be sent: at registration, and again for each connection, by the addresses that it is made to. */
export class TargetGuard {
  readonly #policy: TargetPolicy;
  readonly #resolve: Resolve;

  constructor(policy: TargetPolicy, resolve: Resolve = (hostname) => dns.promises.lookup(hostname, { all: true })) {
    this.#policy = policy;
    this.#resolve = resolve;
  }

  isForDevelopment(url: URL): boolean {
    const { developmentTargets } = this.#policy;
    return developmentTargets.includes(url.host) || developmentTargets.includes(url.hostname);
  }

  /** Why nothing is sent to this URL, or null. Its name is not looked up. */
  refusalOfUrl(text: string): string | null {
    if (!URL.canParse(text)) return 'is no URL';
    // WHATWG URL has turned 0x7f.1, 2130706433 and their like into plain addresses.
    const url = new URL(text);
    if (url.username !== '' || url.password !== '') return 'must not have a user or a password';
    if (this.isForDevelopment(url) && (url.protocol === 'http:' || url.protocol === 'https:')) return null;
    if (url.protocol !== 'https:') return 'must be https';
    const port = url.port === '' ? 443 : Number(url.port);
    if (!this.#policy.ports.includes(port)) return `must be at port ${this.#policy.ports.join(' or ')}`;
    const host = bare(url.hostname);
    if (isIP(host) !== 0 && !isPublicAddress(host)) return 'leads to an address that is not public';
    return null;
  }

  /** The same with the addresses that its name has now. */
  async refusalOf(text: string): Promise<string | null> {
    const refusal = this.refusalOfUrl(text);
    if (refusal !== null) return refusal;
    const url = new URL(text);
    if (this.isForDevelopment(url) || isIP(bare(url.hostname)) !== 0) return null;
    try {
      await this.#publicAddressesOf(url.hostname);
      return null;
    } catch (error) {
      return error instanceof NotPublicError ? error.message : 'has a name that leads nowhere';
    }
  }

  /** For the connection itself: what was checked is what is connected to, so a name that answers differently later gains nothing. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#publicAddressesOf(hostname).then(
      (addresses) => {
        if (options.all) callback(null, [...addresses]);
        else callback(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error: Error) => callback(error, ''),
    );
  };

  async #publicAddressesOf(hostname: string): Promise<readonly LookupAddress[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('name lookup took too long')), RESOLVE_LIMIT_MS);
    });
    const addresses = await Promise.race([this.#resolve(hostname), late]).finally(() => clearTimeout(timer));
    if (addresses.length === 0) throw new Error('name has no address');
    if (!addresses.every(({ address }) => isPublicAddress(address))) throw new NotPublicError();
    return addresses;
  }
}

class NotPublicError extends Error {
  constructor() {
    super('leads to an address that is not public');
  }
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
