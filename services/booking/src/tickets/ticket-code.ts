import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { isId, type EventId, type Id, type ResourceId } from '@holdfast/shared/ids';

export type TicketId = Id<'tkt'>;

/** What a ticket says about itself. */
export interface Ticket {
  readonly id: TicketId;
  readonly reference: string;
  /** What the place is a place of. */
  readonly subject: EventId | ResourceId;
  /** A seat's label, a place number, or `2/3` for the second of three places without numbers. */
  readonly place: string;
  /** 16 characters of base64url, random. */
  readonly nonce: string;
}

/** A key pair as it is stored: base64url of the raw public key, and of the private one as PKCS #8. */
export interface TicketKey {
  readonly kid: string;
  readonly public_key: string;
  readonly private_key: string;
}

const VERSION = 'HF1';
const CODE = /^HF1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{1,250})\.([A-Za-z0-9_-]{86})$/;

export function newTicketKey(): TicketKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    kid: randomBytes(6).toString('base64url'),
    public_key: publicKey.export({ format: 'jwk' }).x!,
    private_key: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url'),
  };
}

export function newNonce(): string {
  return randomBytes(12).toString('base64url');
}

/** What an offline list shows of a ticket: it recognises a ticket that was scanned and cannot be turned into one. */
export function hashNonce(nonce: string): string {
  return createHash('sha256').update(nonce).digest('base64url');
}

/**
 * The text of a ticket's QR code: `HF1.<key id>.<payload>.<signature>`, below 300 characters. The payload is the base64url of a
 * JSON array (id, reference, event or resource, place, nonce); Ed25519 signs everything before the last dot, so a scanner that has the
 * public key needs nobody else.
 */
export function encodeTicket(ticket: Ticket, key: TicketKey): string {
  const payload = JSON.stringify([ticket.id, ticket.reference, ticket.subject, ticket.place, ticket.nonce]);
  const signed = `${VERSION}.${key.kid}.${Buffer.from(payload).toString('base64url')}`;
  return `${signed}.${signText(signed, key)}`;
}

/** The key that a code names, or null for what is no ticket at all. Nothing is verified yet. */
export function keyIdOf(code: string): string | null {
  return CODE.exec(code)?.[1] ?? null;
}

/** The ticket behind a code that this key signed; null for everything else, however little was changed. */
export function decodeTicket(code: string, key: Pick<TicketKey, 'kid' | 'public_key'>): Ticket | null {
  const match = CODE.exec(code);
  if (!match || match[1] !== key.kid) return null;
  const [, , payload, signature] = match as unknown as [string, string, string, string];
  if (!verifyText(code.slice(0, code.lastIndexOf('.')), signature, key)) return null;
  // Signed by us, so it has the form that we gave it; a later version would not be called HF1.
  const [id, reference, subject, place, nonce] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as string[];
  if (!isId('tkt', id)) return null;
  return { id, reference: reference!, subject: subject as Ticket['subject'], place: place!, nonce: nonce! };
}

/** Base64url of the Ed25519 signature over the text in UTF-8. */
export function signText(text: string, key: TicketKey): string {
  const privateKey = createPrivateKey({
    key: Buffer.from(key.private_key, 'base64url'),
    format: 'der',
    type: 'pkcs8',
  });
  return sign(null, Buffer.from(text), privateKey).toString('base64url');
}

export function verifyText(text: string, signature: string, key: Pick<TicketKey, 'public_key'>): boolean {
  const bytes = Buffer.from(signature, 'base64url');
  // Several spellings decode to the same bytes; only one is ours.
  if (bytes.toString('base64url') !== signature) return false;
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.public_key }, format: 'jwk' });
  return verify(null, Buffer.from(text), publicKey, bytes);
}
