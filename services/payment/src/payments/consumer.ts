import { checkoutEvents } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import type { z } from 'zod';
import { beginAuthorisation } from './begin-authorisation.ts';
import { beginCapture } from './begin-capture.ts';
import { beginRefund } from './begin-refund.ts';
import { beginVoid } from './begin-void.ts';

export interface CheckoutHandlerOptions {
  readonly provider: string;
  /** Called after the commit: calls may be due and events to be sent. */
  readonly afterCommit: () => void;
}

/** What the saga asks of this service. The transaction only writes rows; the driver makes the calls afterwards. */
export function checkoutHandler(options: CheckoutHandlerOptions) {
  return async (tx: Tx, event: IncomingEvent): Promise<() => void> => {
    await handle(tx, event, options.provider);
    return () => {
      failpoint('payment.operation_committed');
      options.afterCommit();
    };
  };
}

async function handle(tx: Tx, event: IncomingEvent, provider: string): Promise<void> {
  const cause = event.id;
  switch (event.name) {
    case 'authorisation_requested': {
      const data = parse(checkoutEvents.authorisation_requested, event);
      return beginAuthorisation(tx, { data, provider, cause, traceparent: event.traceparent });
    }
    case 'capture_requested':
      return beginCapture(tx, parse(checkoutEvents.capture_requested, event), cause);
    case 'void_requested':
      return beginVoid(tx, parse(checkoutEvents.void_requested, event), cause);
    case 'refund_requested':
      return beginRefund(tx, parse(checkoutEvents.refund_requested, event), cause);
    default:
      throw new PermanentMessageError(`checkout event ${event.name} is not known here`);
  }
}

function parse<S extends z.ZodType>(schema: S, event: IncomingEvent): z.infer<S> {
  const result = schema.safeParse(event.data);
  if (result.success) return result.data;
  throw new PermanentMessageError(
    `data of ${event.name} is malformed at ${result.error.issues[0]?.path.join('.') ?? ''}`,
  );
}
