import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { TicketKey } from './ticket-code.ts';

export interface PublicTicketKey {
  readonly kid: string;
  readonly public_key: string;
  readonly state: 'CURRENT' | 'PREVIOUS';
  readonly created_at: Date;
}

export async function readCurrentKey(tx: Tx): Promise<TicketKey | null> {
  const { rows } = await tx.query<TicketKey>(
    `select kid, public_key, private_key from ticket_keys where state = 'CURRENT'`,
  );
  return rows[0] ?? null;
}

/** Makes this the current key unless there is one. Waits for whoever is doing the same. */
export async function insertFirstKey(tx: Tx, key: TicketKey): Promise<void> {
  await tx.query(
    `insert into ticket_keys (kid, public_key, private_key)
     values ($1, $2, $3)
     on conflict (state) where state = 'CURRENT' do nothing`,
    [key.kid, key.public_key, key.private_key],
  );
}

/** Keeps others from changing keys, so that of two who rotate at once the second retires the key of the first. Signing goes on. */
export async function lockTicketKeys(tx: Tx): Promise<void> {
  await tx.query('lock table ticket_keys in share row exclusive mode');
}

/** Puts the current key in the second row; it goes on verifying. */
export async function retireCurrentKey(tx: Tx): Promise<void> {
  await tx.query(`update ticket_keys set state = 'PREVIOUS' where state = 'CURRENT'`);
}

/** The public half of a key, current or previous. */
export async function readPublicKey(db: Queryable, kid: string): Promise<PublicTicketKey | null> {
  const { rows } = await db.query<PublicTicketKey>(
    `select kid, public_key, state, created_at from ticket_keys where kid = $1`,
    [kid],
  );
  return rows[0] ?? null;
}

/** Newest first. */
export async function listPublicKeys(db: Queryable): Promise<PublicTicketKey[]> {
  const { rows } = await db.query<PublicTicketKey>(
    `select kid, public_key, state, created_at
       from ticket_keys
      order by state, created_at desc, kid`,
  );
  return rows;
}
