import { z } from 'zod';
import type { PendingCallback } from './world.ts';

/**
 * What somebody scripts for calls and callbacks to come, beside what payment methods do by their names. Rules are kept in memory: a
 * restart forgets them, and what they did stays in the journal.
 */

const CALLS = ['create', 'confirm', 'capture', 'cancel', 'refund', 'read'] as const;
export type CallName = (typeof CALLS)[number];

const ms = z.number().int().min(1).max(86_400_000);
const common = {
  /** How many calls or callbacks it concerns; `always` until it is taken away. */
  times: z.union([z.number().int().min(1).max(1_000_000), z.literal('always')]).default(1),
  booking_id: z.string().max(255).optional(),
  payment_intent: z.string().max(255).optional(),
};
const onCall = { ...common, on: z.enum(CALLS) };
const onCallback = { ...common, on: z.literal('callback'), event_type: z.string().max(100).optional() };

export const ruleSchema = z.union([
  z.strictObject({ ...onCall, on: z.literal('confirm'), act: z.literal('as'), payment_method: z.string().max(255) }),
  z.strictObject({ ...onCall, act: z.literal('lose_answer'), how: z.enum(['dropped', '500']) }),
  z.strictObject({
    ...onCall,
    act: z.literal('refuse'),
    status: z.union([z.literal(429), z.number().int().min(500).max(599)]),
    retry_after: z.number().int().min(0).max(3_600).optional(),
  }),
  z.strictObject({ ...onCall, act: z.literal('slow'), ms }),
  z.strictObject({ ...onCallback, act: z.literal('drop') }),
  z.strictObject({ ...onCallback, act: z.literal('hold') }),
  z.strictObject({ ...onCallback, act: z.literal('delay'), ms }),
  z.strictObject({ ...onCallback, act: z.literal('duplicate'), copies: z.number().int().min(2).max(5).default(2) }),
]);
export type NewRule = z.output<typeof ruleSchema>;
export type Rule = NewRule & { readonly id: string };

interface Subject {
  readonly booking_id: string | null;
  readonly payment_intent: string | null;
}

export class Rules {
  readonly #rules = new Map<string, Rule>();
  #made = 0;

  add(rule: NewRule): Rule {
    this.#made += 1;
    const added = { ...rule, id: `rule_${this.#made}` };
    this.#rules.set(added.id, added);
    return added;
  }

  list(): Rule[] {
    return [...this.#rules.values()];
  }

  /** False when there is no such rule. */
  remove(id: string): boolean {
    return this.#rules.delete(id);
  }

  clear(): void {
    this.#rules.clear();
  }

  /** The oldest rule for such a call, used up by one. */
  forCall(on: CallName, subject: Subject): Exclude<Rule, { on: 'callback' }> | undefined {
    for (const rule of this.#rules.values()) {
      if (rule.on === 'callback' || rule.on !== on || !concerns(rule, subject)) continue;
      this.#use(rule);
      return rule;
    }
    return undefined;
  }

  /** A planned callback as the oldest rule for it wants it; null when it is not to be sent. */
  forCallback(callback: PendingCallback, event: Subject & { readonly type: string }): PendingCallback | null {
    for (const rule of this.#rules.values()) {
      if (rule.on !== 'callback' || !concerns(rule, event)) continue;
      if (rule.event_type !== undefined && rule.event_type !== event.type) continue;
      this.#use(rule);
      if (rule.act === 'drop') return null;
      if (rule.act === 'hold') return { ...callback, held: true };
      if (rule.act === 'duplicate') return { ...callback, copies: rule.copies };
      return { ...callback, not_before: callback.not_before + rule.ms };
    }
    return callback;
  }

  #use(rule: Rule): void {
    if (rule.times === 'always') return;
    if (rule.times <= 1) this.#rules.delete(rule.id);
    else this.#rules.set(rule.id, { ...rule, times: rule.times - 1 });
  }
}

function concerns(rule: Rule, subject: Subject): boolean {
  if (rule.booking_id !== undefined && rule.booking_id !== subject.booking_id) return false;
  return rule.payment_intent === undefined || rule.payment_intent === subject.payment_intent;
}
