import type { HeaderSink } from '../border/answer-head.ts';
import type { Verdict } from './leased-limiter.ts';
import type { Policy } from './policy-rules.ts';

/**
 * RateLimit-Policy and RateLimit by the IETF draft (draft-ietf-httpapi-ratelimit-headers): quota and window of the policy, what is
 * left and after how many seconds there is more. Hints, no promise: other gateways may have let others through meanwhile.
 */
export function limitFields(policy: Policy, verdict: Verdict): Record<'RateLimit-Policy' | 'RateLimit', string> {
  const full = policy.limit + policy.burst;
  const perSecond = policy.limit / policy.windowSeconds;
  const left = Math.max(0, Math.min(full, verdict.left));
  const resetSeconds = verdict.waitMs > 0 ? Math.ceil(verdict.waitMs / 1000) : Math.ceil((full - left) / perSecond);
  return {
    'RateLimit-Policy': `"${policy.name}";q=${full};w=${policy.windowSeconds}`,
    RateLimit: `"${policy.name}";r=${left};t=${resetSeconds}`,
  };
}

export function sendLimitFields(head: HeaderSink, policy: Policy, verdict: Verdict): void {
  const fields = limitFields(policy, verdict);
  head.setHeader('RateLimit-Policy', fields['RateLimit-Policy']);
  head.setHeader('RateLimit', fields.RateLimit);
}
