import { z } from 'zod';
import type { Answer } from './answers.ts';
import type { Draft } from './draft.ts';
import type { World } from './world.ts';

export interface Call<P> {
  readonly world: World;
  readonly draft: Draft;
  readonly params: P;
  /** The `:id` of the path; empty where it has none. */
  readonly id: string;
  /** Where browsers reach the simulator, for `next_action`. */
  readonly base_url: string;
}

/** One API endpoint. `execute` is synchronous: what it decides on cannot change before its draft is committed. */
export interface Operation<P = unknown> {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly params: z.ZodType<P>;
  /** Time that the operation takes before it is carried out. */
  readonly wait_ms?: (call: Pick<Call<P>, 'world' | 'params' | 'id'>) => number;
  readonly execute: (call: Call<P>) => Answer;
}

/** Keeps the parameter type inside the operation; the list of operations forgets it. */
export function operation<P>(definition: Operation<P>): Operation {
  return definition as unknown as Operation;
}

const digits = z
  .string()
  .regex(/^\d{1,12}$/, 'Invalid integer')
  .transform(Number);

export const amount = digits.refine((value) => value >= 1, 'This value must be greater than or equal to 1.');
export const metadata = z
  .union([z.record(z.string().max(40), z.string().max(500)), z.literal('').transform(() => ({}))])
  .optional();
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
export const expand = z
  .array(
    z.literal([
      'latest_charge',
      'latest_charge.balance_transaction',
      'data.latest_charge',
      'data.latest_charge.balance_transaction',
    ]),
  )
  .optional();

const createdRange = z.union([
  digits.transform((at) => ({ gte: at, lte: at })),
  z.strictObject({ gt: digits, gte: digits, lt: digits, lte: digits }).partial(),
]);

export const listParams = {
  limit: digits.refine((value) => value >= 1 && value <= 100, 'limit must be between 1 and 100').default(10),
  starting_after: z.string().optional(),
  ending_before: z.string().optional(),
  created: createdRange.optional(),
  expand,
};

export function inRange(
  created: number,
  range: { [edge in 'gt' | 'gte' | 'lt' | 'lte']?: number | undefined } | undefined,
): boolean {
  if (!range) return true;
  return (
    created > (range.gt ?? -Infinity) &&
    created >= (range.gte ?? -Infinity) &&
    created < (range.lt ?? Infinity) &&
    created <= (range.lte ?? Infinity)
  );
}

/** Merges as Stripe does: a key with an empty value is taken away. */
export function mergeMetadata(
  old: { [key: string]: string },
  changes: { [key: string]: string } | undefined,
): { [key: string]: string } {
  return Object.fromEntries(Object.entries({ ...old, ...changes }).filter(([, value]) => value !== ''));
}
