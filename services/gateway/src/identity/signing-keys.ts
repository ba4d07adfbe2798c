import { randomBytes } from 'node:crypto';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { Pool } from '@holdfast/shared/db/pool';
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';

export interface KeyRing {
  readonly current: { readonly kid: string; readonly key: CryptoKey };
  /** Keys that verify, by kid: the current one and the previous ones. */
  readonly verifying: ReadonlyMap<string, CryptoKey>;
  /** What /.well-known/jwks.json shows. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

interface KeyRow {
  kid: string;
  private_jwk: JWK;
  public_jwk: JWK;
  state: 'CURRENT' | 'PREVIOUS';
}

/** Reads the signing keys, and makes the first one where there is none. Gateways that start together agree on one key. */
export async function loadKeyRing(pool: Pool): Promise<KeyRing> {
  // Made outside the transaction: it is thrown away when there is a key already.
  const fresh = await newKey();
  const rows = await withTransaction(pool, async (tx) => {
    await insertFirstKey(tx, fresh);
    return readKeys(tx);
  });
  return toKeyRing(rows);
}

async function newKey(): Promise<KeyRow> {
  const kid = randomBytes(9).toString('base64url');
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const label = { kid, alg: 'EdDSA', use: 'sig' };
  return {
    kid,
    private_jwk: { ...(await exportJWK(privateKey)), ...label },
    public_jwk: { ...(await exportJWK(publicKey)), ...label },
    state: 'CURRENT',
  };
}

async function insertFirstKey(tx: Tx, key: KeyRow): Promise<void> {
  await tx.query(
    `insert into signing_keys (kid, private_jwk, public_jwk, state)
     values ($1, $2, $3, 'CURRENT')
     on conflict (state) where state = 'CURRENT' do nothing`,
    [key.kid, key.private_jwk, key.public_jwk],
  );
}

async function readKeys(tx: Tx): Promise<KeyRow[]> {
  const { rows } = await tx.query<KeyRow>(
    `select kid, private_jwk, public_jwk, state
     from signing_keys
     order by created_at desc, kid`,
  );
  return rows;
}

async function toKeyRing(rows: readonly KeyRow[]): Promise<KeyRing> {
  const current = rows.find((row) => row.state === 'CURRENT');
  if (!current) throw new Error('there is no current signing key');
  const verifying = new Map<string, CryptoKey>();
  for (const row of rows) verifying.set(row.kid, await importKey(row.public_jwk));
  return {
    current: { kid: current.kid, key: await importKey(current.private_jwk) },
    verifying,
    jwks: { keys: rows.map((row) => row.public_jwk) },
  };
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, 'EdDSA');
  if (key instanceof Uint8Array) throw new Error('a signing key is symmetric');
  return key;
}
