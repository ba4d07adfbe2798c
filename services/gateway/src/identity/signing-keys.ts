import { randomBytes } from 'node:crypto';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { Pool } from '@holdfast/shared/db/pool';
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { insertFirstKey, promoteNextKey, readKeys, type KeyRow } from './signing-key-store.ts';

export interface KeyRing {
  readonly current: { readonly kid: string; readonly key: CryptoKey };
  /** Keys that verify, by kid: the next one, the current one and the previous ones. */
  readonly verifying: ReadonlyMap<string, CryptoKey>;
  /** What /.well-known/jwks.json shows. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

/**
 * Reads the signing keys, makes the first one where there is none, and lets a next one sign whose time has come. Gateways that do so
 * together agree on one key. Gives `known` back, the same object, when nothing has changed.
 */
export async function loadKeyRing(pool: Pool, known: KeyRing | null = null): Promise<KeyRing> {
  const rows = (await withTransaction(pool, turnKeys)) ?? (await beginWithAKey(pool));
  const isSame =
    known !== null &&
    known.current.kid === currentOf(rows).kid &&
    known.verifying.size === rows.length &&
    rows.every(({ kid }) => known.verifying.has(kid));
  return isSame ? known : toKeyRing(rows);
}

/** Null where there is no key yet. */
async function turnKeys(tx: Tx): Promise<KeyRow[] | null> {
  let rows = await readKeys(tx);
  // Asked for on the rows as they were read: in most rounds nothing is due and nothing is written.
  if (rows.some((row) => row.due)) {
    await promoteNextKey(tx);
    rows = await readKeys(tx);
  }
  return rows.length === 0 ? null : rows;
}

async function beginWithAKey(pool: Pool): Promise<KeyRow[]> {
  // Made outside the transaction: it is thrown away when somebody was faster.
  const fresh = await newSigningKey();
  return withTransaction(pool, async (tx) => {
    await insertFirstKey(tx, fresh);
    return readKeys(tx);
  });
}

/** A new key pair under an id of its own. */
export async function newSigningKey(): Promise<Pick<KeyRow, 'kid' | 'private_jwk' | 'public_jwk'>> {
  const kid = randomBytes(9).toString('base64url');
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const label = { kid, alg: 'EdDSA', use: 'sig' };
  return {
    kid,
    private_jwk: { ...(await exportJWK(privateKey)), ...label },
    public_jwk: { ...(await exportJWK(publicKey)), ...label },
  };
}

function currentOf(rows: readonly KeyRow[]): KeyRow {
  const current = rows.find((row) => row.state === 'CURRENT');
  if (!current) throw new Error('there is no current signing key');
  return current;
}

async function toKeyRing(rows: readonly KeyRow[]): Promise<KeyRing> {
  const current = currentOf(rows);
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
