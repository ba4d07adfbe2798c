import { newId } from '@holdfast/shared/ids';
import { seatOf } from '../benches/seats.ts';

/** Everything that the yardsticks write for one hold; texts are as long as the service's own. */
export interface FloorHold {
  readonly user: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly headers: string;
  readonly body: string;
  readonly event: string;
  readonly seat: string;
  readonly booking: string;
  readonly reference: string;
  readonly starts: string;
  readonly ends: string;
  readonly lines: string;
  readonly email: string;
  readonly expires: string;
  readonly at: string;
  readonly cause: string;
  readonly message: string;
  readonly payload: string;
  readonly trace: string;
}

/** Length of the 201 answer and of the event of a one-seat hold, less the ids and times that are put in here. */
const BODY_FILL = 'x'.repeat(560);
const PAYLOAD_FILL = 'x'.repeat(380);
const FINGERPRINT = 'f'.repeat(43);

/** Makes the n-th hold; texts are joined from few pieces, so that the client stays as cheap as it can be. */
export function holdMaker(params: {
  readonly events: readonly string[];
  readonly users: readonly string[];
  readonly run: string;
}): (n: number) => FloorHold {
  const base = Date.now();
  const starts = new Date(base + 30 * 86_400_000).toISOString();
  const ends = new Date(base + 30 * 86_400_000 + 3 * 3_600_000).toISOString();
  return (n) => {
    const { event, seat } = seatOf(n, params.events.length);
    const user = params.users[n % params.users.length]!;
    const booking = newId('bkg');
    const at = new Date().toISOString();
    const eventId = params.events[event]!;
    return {
      user,
      key: `${params.run}-${n}`,
      fingerprint: FINGERPRINT,
      headers: `{"location":"/v1/bookings/${booking}","etag":"\\"1\\""}`,
      body: `{"id":"${booking}","event_id":"${eventId}","seats":["${seat}"],"created_at":"${at}","fill":"${BODY_FILL}"}`,
      event: eventId,
      seat,
      booking,
      reference: `BK20260101-${params.run.slice(0, 4)}${n}`,
      starts,
      ends,
      lines: '[{"label":"Concert, standard","category":"standard","quantity":1,"unit_amount":4500,"amount":4500}]',
      email: `${user}@bench.example`,
      expires: new Date(Date.now() + 600_000).toISOString(),
      at,
      cause: newId('req'),
      message: newId('msg'),
      payload: `{"subject":"${booking}","event_id":"${eventId}","seats":["${seat}"],"time":"${at}","fill":"${PAYLOAD_FILL}"}`,
      trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    };
  };
}
