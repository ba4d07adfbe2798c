/** What a fault is done to. */
export type Target = 'gateway' | 'booking' | 'payment' | 'notification' | 'provider' | 'nats' | 'redis' | 'postgres';

/**
 * What is done to it. `crash_at` kills a service at a cut point of its code. `cut`, `black_hole`, `one_way` and `slow` are done by a proxy
 * to the connections to it. `wipe` empties JetStream's store, `rollback` puts back a copy of it, `half_rollback` that of the messages
 * alone; `full` leaves it no room, so that it refuses every message. `flush` empties Redis again and again. `pool_exhausted` takes the tables that every call needs and does not let them go.
 * `backend_killed` kills one process of PostgreSQL, which ends all sessions and recovers from its log.
 */
export type FaultKind =
  | 'crash_at'
  | 'kill'
  | 'term'
  | 'pause'
  | 'cut'
  | 'black_hole'
  | 'one_way'
  | 'slow'
  | 'wipe'
  | 'rollback'
  | 'half_rollback'
  | 'full'
  | 'flush'
  | 'sessions_ended'
  | 'pool_exhausted'
  | 'backend_killed';

/** Calls of the workload that a fault can wait for, so that it comes while one of them is under way. */
export const CALL_PHASES = ['hold', 'pay', 'cancel', 'extend'] as const;
export type CallPhase = (typeof CALL_PHASES)[number];

/** One cell of the matrix of process, fault and phase. */
export interface Cell {
  readonly target: Target;
  readonly fault: FaultKind;
  /** A cut point of the code for `crash_at`; for every other fault the call that must be under way. */
  readonly phase: string;
  /** How long it lasts: from the fault to the healing, or from a death to the restart. */
  readonly holdMs: readonly [number, number];
  /** Whether it takes down a server that is shared with other test files. */
  readonly needsOwnServers: boolean;
}

/** Cut points that the workload passes by itself. */
export const CUT_POINTS: Readonly<Partial<Record<Target, readonly string[]>>> = {
  booking: [
    'booking.hold.before_commit',
    'booking.hold.after_commit',
    'booking.pay.before_commit',
    'booking.pay.after_commit',
    'booking.expire.after_commit',
    'relay.before_publish',
    'relay.after_publish',
    'booking-payment.before_tx',
    'booking-payment.before_commit',
    'booking-payment.after_commit',
    'booking-payment.before_ack',
  ],
  payment: [
    'payment-checkout.before_tx',
    'payment-checkout.before_commit',
    'payment-checkout.after_commit',
    'payment-checkout.before_ack',
    'payment.operation_committed',
    'payment.before_call',
    'payment.after_call',
    'payment.result_committed',
    'payment.webhook_before_store',
    'payment.webhook_stored',
    'relay.before_publish',
    'relay.after_publish',
  ],
  notification: [
    'notification-booking.before_tx',
    'notification-booking.before_commit',
    'notification-booking.after_commit',
    'notification-booking.before_ack',
    'notification.before_send',
    'notification.after_send',
  ],
};

const SERVICES = ['gateway', 'booking', 'payment', 'notification'] as const;
/** Longer than the 10 s after which the broker gives a message to another consumer. */
const PAST_ACK_WAIT = [11_000, 12_500] as const;
/** What a proxy does. */
const CONNECTION_FAULTS = ['cut', 'black_hole', 'one_way', 'slow'] as const;
const SHORT = [800, 2_500] as const;
const LONG = [3_000, 6_000] as const;

function cellsOf(targets: readonly Target[], faults: readonly FaultKind[], holdMs: readonly [number, number]): Cell[] {
  return targets.flatMap((target) =>
    faults.flatMap((fault) => CALL_PHASES.map((phase) => ({ target, fault, phase, holdMs, needsOwnServers: false }))),
  );
}

/** Every cell that is tried, cut points first. */
export const MATRIX: readonly Cell[] = [
  ...Object.entries(CUT_POINTS).flatMap(([target, points]) =>
    points.map((phase) => ({
      target: target as Target,
      fault: 'crash_at' as const,
      phase,
      holdMs: SHORT,
      needsOwnServers: false,
    })),
  ),
  ...cellsOf([...SERVICES, 'provider', 'nats', 'redis'], ['kill', 'pause'], SHORT),
  ...cellsOf([...SERVICES, 'provider'], ['term'], SHORT),
  ...cellsOf(['booking', 'payment', 'notification', 'nats'], ['pause'], PAST_ACK_WAIT),
  ...cellsOf(['postgres', 'nats', 'redis', 'provider', 'booking', 'payment'], CONNECTION_FAULTS, LONG),
  ...cellsOf(['postgres'], ['sessions_ended', 'pool_exhausted'], LONG),
  ...cellsOf(['nats'], ['wipe', 'rollback', 'half_rollback', 'full'], LONG),
  ...cellsOf(['redis'], ['flush'], LONG),
  ...cellsOf(['postgres'], ['backend_killed', 'pause'], LONG).map((cell) => ({ ...cell, needsOwnServers: true })),
];
