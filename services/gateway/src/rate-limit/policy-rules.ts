/** How many requests a subject (a user, an address, an account) may send: `limit` in each window, and `burst` more at once. */
export interface Policy {
  readonly name: PolicyName;
  readonly limit: number;
  readonly windowSeconds: number;
  readonly burst: number;
}

/**
 * The limits as they are unless HOLDFAST_RATE_LIMITS says otherwise. Text, because that is how they are configured:
 * `<limit>/<seconds>s`, with `+<burst>` for what may come on top at one moment.
 */
export const DEFAULT_POLICIES = {
  // Counted by tokens in memory, shared through Redis (leased-limiter.ts).
  /** All requests of all clients together. */
  global: '300000/60s',
  /** Everything that one address sends, whoever is signed in. */
  address: '10000/60s',
  /** Refusals of one address. Who goes on after so many is shut out for the window. */
  flood: '10000/60s',
  /** Routes that anybody may call, by address. */
  public: '3000/60s+500',
  /** A signed-in customer. */
  user: '100/60s+20',
  /** Holding, paying, extending, cancelling by a customer: a lane of its own, so that browsing cannot use it up. */
  checkout: '120/60s+60',
  /** Operators and administrators, by user; the same again for their holds and payments. */
  staff: '1000/60s+500',
  /** Callbacks of the payment provider, by address; not counted under `address`, so that no client can shut them out. */
  callback: '6000/60s+2000',
  /** Health and metrics, by address; not counted under `address` either. */
  health: '6000/60s+1000',

  // Counted in PostgreSQL (attempt-store.ts): a window begins with the first attempt. No burst.
  register_address: '600/600s',
  register_account: '100/3600s',
  login_address: '1200/600s',
  login_account: '200/600s',
  /** Wrong passwords only. */
  login_failures_address: '20/900s',
  login_failures_account: '5/900s',
  refresh_address: '3000/600s',
  refresh_session: '100/600s',
  reset_address: '100/3600s',
  reset_account: '10/3600s',
} as const satisfies Record<string, string>;

export type PolicyName = keyof typeof DEFAULT_POLICIES;
export type Policies = Readonly<Record<PolicyName, Policy>>;

const FORM = /^(\d{1,9})\/(\d{1,5})s(?:\+(\d{1,9}))?$/;

/** `null` for a text that is no policy, or one that lets nothing through. */
function parsePolicy(name: PolicyName, text: string): Policy | null {
  const match = FORM.exec(text);
  if (!match) return null;
  const policy = { name, limit: Number(match[1]), windowSeconds: Number(match[2]), burst: Number(match[3] ?? 0) };
  return policy.limit >= 1 && policy.windowSeconds >= 1 ? policy : null;
}

/**
 * Reads `user=100/60s+20, callback=600/60s` over the defaults. The second member names what is wrong with it.
 * Every limit and burst is multiplied by `scale`, and none becomes less than 1.
 */
export function readPolicies(text: string, scale: number): { policies: Policies; wrong: readonly string[] } {
  const texts: Record<string, string> = { ...DEFAULT_POLICIES };
  const wrong: string[] = [];
  for (const part of text.split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const [name, value = ''] = part.split('=').map((piece) => piece.trim());
    if (!isPolicyName(name!)) wrong.push(`there is no limit named ${name}`);
    else if (!parsePolicy(name, value)) wrong.push(`${name} must look like 100/60s or 100/60s+20`);
    else texts[name] = value;
  }
  const entries = Object.keys(DEFAULT_POLICIES).map((name) => {
    const policy = parsePolicy(name as PolicyName, texts[name]!)!;
    return [name, scaled(policy, scale)] as const;
  });
  return { policies: Object.fromEntries(entries) as unknown as Policies, wrong };
}

function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(DEFAULT_POLICIES, name);
}

function scaled(policy: Policy, scale: number): Policy {
  return {
    ...policy,
    limit: Math.max(1, Math.round(policy.limit * scale)),
    burst: Math.round(policy.burst * scale),
  };
}
