import type { Tx } from '@holdfast/shared/db/transaction';
import type { ChannelName, LeasedDelivery } from '../deliveries/delivery.ts';

/** One message as a channel gets it; the channel words it in its own form. */
export type OutboundMessage = Pick<
  LeasedDelivery,
  'id' | 'leaseId' | 'eventId' | 'attempts' | 'recipient' | 'notice' | 'createdAt'
>;

export type SendOutcome = (
  | { readonly outcome: 'accepted'; readonly providerMessageId: string }
  /** The receiving side refused for good; another attempt would be refused as well. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** Trouble that may pass. `retryAfterMs`: the receiving side said when it takes more; nothing goes there before. */
  | { readonly outcome: 'put_off'; readonly reason: string; readonly retryAfterMs?: number }
  /** Nobody is left to be told. */
  | { readonly outcome: 'moot'; readonly reason: string }
) & {
  /** What is kept in the transaction of the outcome. */
  readonly keep?: (tx: Tx) => Promise<void>;
};

/**
 * A way to reach somebody, the one port of this service: mail, text messages and webhooks. Not in a transaction.
 * `send` throws on trouble that may pass (no connection, a busy server); the delivery is then tried again.
 */
export interface Channel {
  readonly name: ChannelName;
  send(message: OutboundMessage): Promise<SendOutcome>;
  /** Resolves with a detail for people when the provider can be reached. @throws when it cannot. */
  check(): Promise<string>;
  close(): void;
}
