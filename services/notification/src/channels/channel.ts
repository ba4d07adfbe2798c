import type { AccountNotice, ChannelName, DeliveryId, Notice } from '../deliveries/delivery.ts';

/** One message as a channel gets it; the channel words it in its own form. */
export interface OutboundMessage {
  readonly deliveryId: DeliveryId;
  readonly recipient: string;
  readonly notice: Notice | AccountNotice;
  /** When the message became due for the first time: the same at every attempt. */
  readonly createdAt: Date;
}

export type SendOutcome =
  | { readonly outcome: 'accepted'; readonly providerMessageId: string }
  /** The receiving side refused for good; another attempt would be refused as well. */
  | { readonly outcome: 'refused'; readonly reason: string };

/**
 * A way to reach a customer, the one port of this service: mail today, SMS beside it later. Not in a transaction.
 * `send` throws on trouble that may pass (no connection, a busy server); the delivery is then tried again.
 */
export interface Channel {
  readonly name: ChannelName;
  send(message: OutboundMessage): Promise<SendOutcome>;
  /** Resolves with a detail for people when the provider can be reached. @throws when it cannot. */
  check(): Promise<string>;
  close(): void;
}
