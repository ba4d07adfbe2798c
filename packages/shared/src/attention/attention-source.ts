import type { AttentionItem, ServiceAttention } from '../contracts/attention.ts';
import type { Queryable } from '../db/transaction.ts';

/** Items that one source shows at most; the count tells of the rest. */
export const MOST_ITEMS = 100;

/** Finds what needs a person, the longest first, and counts it. */
export type AttentionSource = (db: Queryable) => Promise<ServiceAttention>;

/** A row of a source's statement; `total` counts all rows of its kind, shown or not. */
export interface AttentionRow {
  readonly kind: AttentionItem['kind'];
  readonly id: string | null;
  readonly booking_id: string | null;
  readonly since: Date;
  readonly detail: string;
  readonly total: number;
}

/** Makes the answer of rows. */
export function toAttention(service: string, rows: readonly AttentionRow[]): ServiceAttention {
  const counts: ServiceAttention['counts'] = {};
  for (const { kind, total } of rows) counts[kind] = total;
  return {
    items: rows.map(({ kind, id, booking_id, since, detail }) => ({
      ...{ kind, service, id, booking_id, since: since.toISOString(), detail },
    })),
    counts,
  };
}

/** Several answers as one. */
export function joinAttention(parts: readonly ServiceAttention[]): ServiceAttention {
  const counts: ServiceAttention['counts'] = {};
  for (const part of parts) {
    for (const [kind, count] of Object.entries(part.counts) as [AttentionItem['kind'], number][]) {
      counts[kind] = (counts[kind] ?? 0) + count;
    }
  }
  const items = parts.flatMap((part) => part.items);
  return { items: items.sort((a, b) => Date.parse(a.since) - Date.parse(b.since)), counts };
}
