import { createPrivateKey, sign, type JsonWebKey } from 'node:crypto';
import { newId, type UserId } from '@holdfast/shared/ids';
import type pg from 'pg';

export interface BenchUser {
  readonly id: UserId;
  readonly token: string;
}

const LIFETIME_SECONDS = 3_600;

/**
 * Makes users and an access token for each, signed with the stack's own key: the gateway checks them like any other. Signing in by
 * password would cost 40 ms of argon2 a user, and there must be thousands of users for each to hold a handful of places.
 */
export async function makeUsers(admin: pg.Client, count: number): Promise<BenchUser[]> {
  const { rows } = await admin.query<{ kid: string; private_jwk: JsonWebKey }>(
    `select kid, private_jwk from identity.signing_keys where state = 'CURRENT'`,
  );
  const { kid, private_jwk } = rows[0]!;
  const key = createPrivateKey({ key: private_jwk, format: 'jwk' });
  const header = encode({ alg: 'EdDSA', typ: 'at+jwt', kid });
  const issuedAt = Math.floor(Date.now() / 1000);

  const users = Array.from({ length: count }, () => {
    const id = newId('usr');
    return { id, name: 'Bench Customer', email: `${id}@bench.example` };
  });
  await admin.query(
    `insert into identity.users (id, email, name, password_hash)
     select id, email, name, 'no password'
       from json_to_recordset($1::json) as row (id text, email text, name text)`,
    [JSON.stringify(users)],
  );
  return users.map(({ id, name, email }) => {
    const claims = {
      ...{ sid: newId('ses'), role: 'customer', name, email },
      ...{ iss: 'holdfast', aud: 'holdfast-api', sub: id, iat: issuedAt, exp: issuedAt + LIFETIME_SECONDS },
    };
    const signed = `${header}.${encode(claims)}`;
    return { id, token: `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}` };
  });
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
