import type { ConsumerListJson, OutboxListJson } from '@holdfast/shared/contracts/delivery-state';

/** Service, depth, oldest age, scheduled, unconfirmed, who publishes. A lease that has run out is nobody's. */
export function outboxRows({ data, as_of: asOf }: OutboxListJson): string[][] {
  return data.map(({ service, depth, oldest_age_seconds: age, scheduled, unconfirmed, relay }) => [
    ...[service, String(depth), ageText(age), String(scheduled), String(unconfirmed)],
    relay.expires_at !== null && relay.expires_at > asOf ? String(relay.holder) : 'nobody',
  ]);
}

/** Consumer, lag, pending, redelivered, oldest age, parked, failing, dead letters. What only the broker knows is `?` without it. */
export function consumerRows({ data }: ConsumerListJson): string[][] {
  return data.map(({ consumer, broker, parked, failing, dead_letters: letters }) => [
    consumer,
    ...(broker === null
      ? ['?', '?', '?', '?']
      : [broker.lag, broker.pending, broker.redelivered, ageText(broker.oldest_age_seconds)].map(String)),
    ...[parked, failing, letters].map(String),
  ]);
}

/** `12.3 s`, `5 min`, `2 h`, `3 d`; a dash for none. */
export function ageText(seconds: number | null): string {
  if (seconds === null) return '-';
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
