/** A mail's content, without sender and recipient. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  /** Null where it says what the text says: it is made of the text then. */
  readonly html: string | null;
  readonly attachments: readonly MailAttachment[];
}

export interface MailAttachment {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Buffer | string;
  /** Content id of a part that the HTML shows, e.g. `ticket-1@holdfast` for `cid:ticket-1@holdfast`. */
  readonly cid?: string;
  readonly contentDisposition: 'inline' | 'attachment';
}

export interface RenderOptions {
  /** Start of links, without a slash at its end. */
  readonly publicUrl: string;
  /** When the notice was made. */
  readonly stamp: Date;
}
