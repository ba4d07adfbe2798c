import { recordAudit, type Actor } from '../audit/record-audit.ts';
import type { DeadLetterJson } from '../contracts/dead-letters.ts';
import type { Tx } from '../db/transaction.ts';
import { isId, newId } from '../ids.ts';
import { ensurePosition } from '../inbox/inbox-store.ts';
import { Problem } from '../problems.ts';

interface LetterRow {
  readonly id: string;
  readonly consumer: string;
  readonly event_id: string;
  readonly ordering_key: string | null;
  readonly family: string | null;
  readonly seq: number | null;
}

/**
 * Hands an open letter to its consumer once more, with fresh attempts. It waits among the parked messages, so that it takes effect in its
 * turn and once, and what waits behind it follows; the consumer looks each second. One that fails again is OPEN again.
 * @throws Problem `not_found`, `dead_letter_settled`, or `dead_letter_unreadable` for a message that no consumer could read.
 */
export async function replayDeadLetter(tx: Tx, id: string, by: Actor): Promise<void> {
  const letter = await settle(tx, id, 'OPEN', 'REPLAYED');
  if (letter.ordering_key === null) throw new Problem('dead_letter_unreadable');
  const { consumer, ordering_key: key, family, seq, event_id: eventId } = letter;
  await tx.query('delete from inbox_attempts where consumer = $1 and event_id = $2', [consumer, eventId]);
  await ensurePosition(tx, consumer, { orderingKey: key, family: family! });
  await tx.query(
    `insert into inbox_parked (consumer, ordering_key, family, seq, event_id, subject, payload)
     select consumer, ordering_key, family, $2::integer, event_id, subject, payload from dead_letters where id = $1
     on conflict do nothing`,
    [id, seq],
  );
  await record(tx, { letter, act: 'replay', reason: null, by });
}

/**
 * Gives an open letter up for good: its event never takes effect, and what waits behind it goes on.
 * @throws Problem `not_found`, `dead_letter_settled`, or `dead_letter_overtaken` when an earlier event of its booking has to come first.
 */
export async function discardDeadLetter(tx: Tx, id: string, reason: string, by: Actor): Promise<void> {
  const letter = await settle(tx, id, 'OPEN', 'DISCARDED');
  if (letter.ordering_key !== null && !(await movePosition(tx, letter, -1, 0)))
    throw new Problem('dead_letter_overtaken');
  await record(tx, { letter, act: 'discard', reason, by });
}

/**
 * Takes a discard back, as long as nothing has come after it: the letter is OPEN again, and its booking waits for it again.
 * @throws Problem `not_found`, `dead_letter_settled` when it is not discarded, or `dead_letter_overtaken`.
 */
export async function restoreDeadLetter(tx: Tx, id: string, by: Actor): Promise<void> {
  const letter = await settle(tx, id, 'DISCARDED', 'OPEN');
  if (letter.ordering_key !== null && !(await movePosition(tx, letter, 0, -1)))
    throw new Problem('dead_letter_overtaken');
  await record(tx, { letter, act: 'restore', reason: null, by });
}

const STATES = {
  replay: ['OPEN', 'REPLAYED'],
  discard: ['OPEN', 'DISCARDED'],
  restore: ['DISCARDED', 'OPEN'],
} as const;

/** One guarded update decides between all who press a button at the same moment. */
async function settle(
  tx: Tx,
  id: string,
  from: DeadLetterJson['state'],
  to: DeadLetterJson['state'],
): Promise<LetterRow> {
  if (!isId('dlq', id)) throw new Problem('not_found');
  const { rows } = await tx.query<LetterRow>(
    `update dead_letters set state = $3
      where id = $1 and state = $2
      returning id, consumer, event_id, ordering_key, family, seq`,
    [id, from, to],
  );
  if (rows[0]) return rows[0];
  const { rows: present } = await tx.query<{ state: string }>('select state from dead_letters where id = $1', [id]);
  if (!present[0]) throw new Problem('not_found');
  throw new Problem('dead_letter_settled', { detail: `the dead letter is ${present[0].state}, not ${from}` });
}

/** From `seq + from` to `seq + to`; false when the position is somewhere else. */
async function movePosition(tx: Tx, letter: LetterRow, from: number, to: number): Promise<boolean> {
  const { consumer, ordering_key: key, family, seq } = letter;
  await ensurePosition(tx, consumer, { orderingKey: key!, family: family! });
  const { rowCount } = await tx.query(
    `update inbox_positions set last_seq = $5
      where consumer = $1 and ordering_key = $2 and family = $3 and last_seq = $4`,
    [consumer, key, family, seq! + from, seq! + to],
  );
  return rowCount === 1;
}

async function record(
  tx: Tx,
  { letter, act, reason, by }: { letter: LetterRow; act: keyof typeof STATES; reason: string | null; by: Actor },
): Promise<void> {
  await tx.query(
    `insert into dead_letter_acts (id, dead_letter_id, act, actor, reason, cause) values ($1, $2, $3, $4, $5, $6)`,
    [newId('aud'), letter.id, act, by.userId, reason, by.requestId],
  );
  const [from, to] = STATES[act];
  const inState = (state: DeadLetterJson['state']) => ({
    ...{ id: letter.id, object: 'dead_letter', consumer: letter.consumer, event_id: letter.event_id, state },
  });
  await recordAudit(tx, by, { action: act, before: inState(from), after: inState(to), reason });
}
