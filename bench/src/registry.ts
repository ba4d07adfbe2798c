import type { Bench } from './bench.ts';
import { callbacks } from './benches/callbacks.ts';
import { cancelEvent } from './benches/cancel-event.ts';
import { checkout } from './benches/checkout.ts';
import { expire } from './benches/expire.ts';
import { flash } from './benches/flash.ts';
import { floor } from './benches/floor.ts';
import { gateway, slowClients } from './benches/gateway.ts';
import { hold } from './benches/hold.ts';
import { holdSlots } from './benches/hold-slots.ts';
import { hotSeat } from './benches/hot-seat.ts';
import { relay, relayGrown } from './benches/relay.ts';
import { search } from './benches/search.ts';
import { series } from './benches/series.ts';
import { steady } from './benches/steady.ts';
import { waitlist } from './benches/waitlist.ts';

/** Every bench, in the order in which a round runs them. */
export const BENCHES: readonly Bench[] = [
  floor,
  hold,
  holdSlots,
  flash,
  hotSeat,
  steady,
  expire,
  checkout,
  callbacks,
  relay,
  relayGrown,
  cancelEvent,
  search,
  series,
  waitlist,
  gateway,
  slowClients,
];
