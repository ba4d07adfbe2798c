import type { ConsumerState, StreamState } from '../bus/bus.ts';

/** A published event that a consumer says it lacks. */
export interface LackingMessage {
  readonly streamSeq: bigint;
  /** The stream's epoch when the broker acknowledged it. */
  readonly epoch: number;
}

export interface DeliveryEvidence {
  /** The stream's epoch now. */
  readonly epoch: number;
  readonly stream: StreamState;
  /** Read before the consumer was asked what it lacks: it can only have come further since. */
  readonly consumer: Pick<ConsumerState, 'deliveredSeq' | 'ackFloor' | 'open'>;
}

/**
 * Whether an event that its consumer lacks is lost, or still on its way. It is lost when its stream lost its store since, when the
 * stream does not hold its place any more, or when the consumer is past it. Believing so in error costs a second delivery, which
 * the inbox knows.
 */
export function isLost(message: LackingMessage, { epoch, stream, consumer }: DeliveryEvidence): boolean {
  if (message.epoch < epoch) return true;
  if (message.streamSeq < stream.firstSeq || message.streamSeq > stream.lastSeq) return true;
  return message.streamSeq <= consumer.ackFloor || consumer.open === 0;
}
