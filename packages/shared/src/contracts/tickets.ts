import { z } from 'zod';
import { id, instant } from './common.ts';

/** The text of a ticket's QR code, as it was scanned. Whether it is one is for the signature to tell. */
export const ticketCode = z.string().min(1).max(1000);

export const checkInBody = z.strictObject({ code: ticketCode.optional() }).meta({ id: 'CheckIn' });
export const completeBody = z.strictObject({}).meta({ id: 'Complete' });
export const rotateTicketKeyBody = z.strictObject({}).meta({ id: 'RotateTicketKey' });

export const ticket = z
  .object({
    id: id('tkt'),
    object: z.literal('ticket'),
    place: z.string().meta({ description: 'a seat label, a place number, or 2/3 for the second of three places' }),
    code: z.string().meta({ description: 'the signed text of the QR code: HF1.<key id>.<payload>.<signature>' }),
  })
  .meta({ id: 'Ticket' });
export type TicketJson = z.input<typeof ticket>;

export const ticketKey = z
  .object({
    object: z.literal('ticket_key'),
    kid: z.string(),
    algorithm: z.literal('Ed25519'),
    public_key: z.string().meta({ description: 'base64url of the 32 bytes of the key' }),
    current: z.boolean(),
    created_at: instant,
  })
  .meta({ id: 'TicketKey' });
export type TicketKeyJson = z.input<typeof ticketKey>;

export const offlineTickets = z
  .object({
    object: z.literal('offline_ticket_list'),
    event_id: id('evt'),
    generated_at: instant,
    kid: z.string().meta({ description: 'the key that signed the list' }),
    keys: z.array(ticketKey).meta({ description: 'all keys with which tickets and lists are signed' }),
    tickets: z
      .array(z.object({ hash: z.string(), checked_in: z.boolean() }))
      .meta({ description: "base64url of the SHA-256 of each valid ticket's nonce, in ascending order" }),
    signature: z.string().meta({
      description:
        'Ed25519 over the lines HFL1, kid, event_id, generated_at, and for each ticket its hash, a space and 1 if checked in, else 0; joined by line feeds',
    }),
  })
  .meta({ id: 'OfflineTickets' });
export type OfflineTicketsJson = z.input<typeof offlineTickets>;
