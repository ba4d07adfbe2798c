import type { Tx } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { deadLetterName } from '../bus/topology.ts';
import { appendToOutbox } from '../outbox/outbox.ts';
import { errorEntry } from './attempts.ts';
import type { IncomingEvent } from './incoming-event.ts';

export interface DeadLetter {
  readonly consumer: string;
  readonly service: string;
  readonly subject: string;
  readonly payload: string;
  /** Null when the payload could not even be read. */
  readonly event: IncomingEvent | null;
  readonly attempts: number;
  /** A short class for grouping: `malformed`, `permanent`, `attempts_exhausted`, `process_ended`. */
  readonly cause: string;
  /** Null takes the last recorded error of the message. */
  readonly error: string | null;
  /** As they came; a bounded part of them is kept. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const HEADERS_KEPT = 20;
const HEADER_CHARACTERS = 500;
/** Of a letter that was replayed in vain the errors of each time are kept; the newest of all. */
const ERRORS_KEPT = 40;

/** Six bytes each at worst, which stays below the 256 KiB of a message. */
const COPY_LIMIT_CHARACTERS = 32_000;

/**
 * Writes the browsable row and, in the same transaction, the copy for the DEAD_LETTER stream. A message that is already there
 * stays as it is; one that was replayed in vain is OPEN again.
 */
export async function deadLetter(tx: Tx, letter: DeadLetter): Promise<void> {
  const id = newId('dlq');
  const eventId = letter.event?.id ?? idIn(letter.payload) ?? id;
  const { rows } = await tx.query<{ id: string; error: string }>(
    `insert into dead_letters (id, consumer, event_id, subject, ordering_key, family, seq, payload, attempts, cause, error, headers, errors)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
             coalesce($11, (select last_error from inbox_attempts where consumer = $2 and event_id = $3), 'process ended while handling it'),
             $12::jsonb,
             (select known.errors || case when $11::text is null or (known.errors -> -1 ->> 'attempt')::integer = $9 then '[]'
                                          else jsonb_build_array(${errorEntry('$9::integer', '$11::text')}) end
                from (select coalesce((select errors from inbox_attempts where consumer = $2 and event_id = $3), '[]') as errors) known))
     on conflict on constraint dead_letters_once_per_consumer do update
       set state = 'OPEN', attempts = excluded.attempts, cause = excluded.cause, error = excluded.error,
           headers = case when excluded.headers = '{}' then dead_letters.headers else excluded.headers end,
           errors = (select coalesce(jsonb_agg(entry order by n), '[]')
                       from (select entry, n
                               from jsonb_array_elements(dead_letters.errors || excluded.errors) with ordinality as each (entry, n)
                              order by n desc
                              limit ${ERRORS_KEPT}) newest)
       where dead_letters.state = 'REPLAYED'
     returning id, error`,
    [
      id,
      letter.consumer,
      eventId,
      letter.subject,
      letter.event?.orderingKey ?? null,
      letter.event?.family ?? null,
      letter.event?.sequence ?? null,
      storable(letter.payload),
      letter.attempts,
      letter.cause,
      letter.error === null ? null : storable(letter.error),
      JSON.stringify(boundedHeaders(letter.headers ?? {})),
    ],
  );
  if (rows.length === 0) return;
  const { rows: clock } = await tx.query<{ at: Date }>('select clock.app_now() as at');
  await appendToOutbox(tx, `/${letter.service}`, [
    {
      family: 'dead_letter',
      name: deadLetterName(letter.consumer),
      orderingKey: id,
      seq: 1,
      cause: eventId,
      at: clock[0]!.at,
      data: {
        dead_letter_id: rows[0]!.id,
        consumer: letter.consumer,
        subject: letter.subject,
        attempts: letter.attempts,
        cause: letter.cause,
        error: rows[0]!.error,
        // Cut so that it fits into a message, escaped as it will be; the row has all of it.
        payload: letter.payload.slice(0, COPY_LIMIT_CHARACTERS),
      },
    },
  ]);
}

/** The id of an envelope that is wrong otherwise: by it the producer learns that the message arrived. Null when it has none. */
function idIn(payload: string): string | null {
  try {
    const envelope = JSON.parse(payload) as { id?: unknown } | null;
    return typeof envelope?.id === 'string' && envelope.id !== '' ? storable(envelope.id) : null;
  } catch {
    return null;
  }
}

function boundedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).slice(0, HEADERS_KEPT);
  const short = (text: string) => storable(text.slice(0, HEADER_CHARACTERS));
  return Object.fromEntries(kept.map(([name, value]) => [short(name), short(value)]));
}

/** PostgreSQL keeps no NUL in text. A malformed message may hold one, and refusing it would bring it back for ever. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
