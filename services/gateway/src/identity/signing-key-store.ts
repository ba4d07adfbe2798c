import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { JWK } from 'jose';

export interface KeyRow {
  kid: string;
  private_jwk: JWK;
  public_jwk: JWK;
  state: 'NEXT' | 'CURRENT' | 'PREVIOUS';
  /** Whether its state is over: a next key that may sign, a previous one whose tokens have all expired. */
  due: boolean;
}

/** Every gateway reads the keys each second, so all of them know a key for a while before one signs with it. */
const NEXT_SECONDS = 10;
/** Longer than an access token lives. */
const PREVIOUS_SECONDS = 900;

const IS_DUE = `(state = 'NEXT' and state_since <= (select clock.app_now()) - interval '${NEXT_SECONDS} seconds')
             or (state = 'PREVIOUS' and state_since <= (select clock.app_now()) - interval '${PREVIOUS_SECONDS} seconds')`;

export async function insertFirstKey(tx: Tx, key: Pick<KeyRow, 'kid' | 'private_jwk' | 'public_jwk'>): Promise<void> {
  await tx.query(
    `insert into signing_keys (kid, private_jwk, public_jwk, state)
     values ($1, $2, $3, 'CURRENT')
     on conflict (state) where state = 'CURRENT' do nothing`,
    [key.kid, key.private_jwk, key.public_jwk],
  );
}

/** The moment from which it signs, or null when another key waits to sign already. */
export async function insertNextKey(
  tx: Tx,
  key: Pick<KeyRow, 'kid' | 'private_jwk' | 'public_jwk'>,
): Promise<Date | null> {
  const { rows } = await tx.query<{ signs_from: Date }>(
    `insert into signing_keys (kid, private_jwk, public_jwk, state)
     values ($1, $2, $3, 'NEXT')
     on conflict (state) where state = 'NEXT' do nothing
     returning state_since + interval '${NEXT_SECONDS} seconds' as signs_from`,
    [key.kid, key.private_jwk, key.public_jwk],
  );
  return rows[0]?.signs_from ?? null;
}

/** The newest first. */
export async function readKeys(db: Queryable): Promise<KeyRow[]> {
  const { rows } = await db.query<KeyRow>(
    `select kid, private_jwk, public_jwk, state, ${IS_DUE} as due
     from signing_keys
     order by created_at desc, kid`,
  );
  return rows;
}

/**
 * Lets the next key sign, if its time has come, and forgets previous ones of which no token is left. Of gateways that do so at the same
 * moment one changes the rows, and the others find them changed.
 */
export async function promoteNextKey(tx: Tx): Promise<void> {
  const { rowCount } = await tx.query(
    `update signing_keys
     set state = 'PREVIOUS', state_since = clock.app_now()
     where state = 'CURRENT'
       and exists (select from signing_keys as next where next.state = 'NEXT'
                      and next.state_since <= clock.app_now() - interval '${NEXT_SECONDS} seconds')`,
  );
  if (rowCount === 1) {
    await tx.query(
      `update signing_keys
       set state = 'CURRENT', state_since = clock.app_now()
       where state = 'NEXT'`,
    );
  }
  await tx.query(
    `delete from signing_keys
     where state = 'PREVIOUS'
       and state_since <= clock.app_now() - interval '${PREVIOUS_SECONDS} seconds'`,
  );
}
