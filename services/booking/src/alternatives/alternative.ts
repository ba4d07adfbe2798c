import type { EventId } from '@holdfast/shared/ids';

/** Something like what was asked for that was free a moment ago, as the API shows it. */
export type Alternative =
  | { readonly seats: readonly string[] }
  | { readonly starts_at: string; readonly ends_at: string }
  | { readonly event_id: EventId; readonly starts_at: string };

export const MOST_ALTERNATIVES = 5;
