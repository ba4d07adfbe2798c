import { randomUUID } from 'node:crypto';
import PostalMime from 'postal-mime';

export interface Attachment {
  readonly filename: string;
  readonly content_type: string;
  /** Bytes. */
  readonly size: number;
  /** Without the angle brackets; what `cid:` in the HTML refers to. */
  readonly content_id?: string;
  readonly content: Uint8Array;
}

export interface Message {
  readonly id: string;
  /** The envelope's recipients: whom it really went to, whatever its headers say. */
  readonly to: readonly string[];
  readonly from: string;
  readonly subject: string;
  readonly received_at: string;
  readonly text: string;
  readonly html?: string;
  readonly attachments: readonly Attachment[];
  readonly raw: Buffer;
}

export interface Limits {
  readonly messages: number;
  /** Of all raw messages together, so that large ones cannot eat the machine's memory. */
  readonly bytes: number;
}

/** The last messages, in memory only: a development sink, not a mail server. The oldest make room for new ones. */
export class Mailbox {
  readonly #limits: Limits;
  /** In order of arrival. */
  readonly #messages = new Map<string, Message>();
  #bytes = 0;

  constructor(limits: Limits = { messages: 1000, bytes: 64 * 1024 * 1024 }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** Parses a message and keeps it. `postal-mime` reads whatever it is given; a broken message is kept as far as it can be read. */
  async receive(raw: Buffer, envelope: { from: string; to: readonly string[] }): Promise<Message> {
    const parsed = await PostalMime.parse(raw, { attachmentEncoding: 'arraybuffer' });
    const message: Message = {
      id: randomUUID(),
      to: envelope.to,
      from: parsed.from?.address ?? envelope.from,
      subject: parsed.subject ?? '',
      received_at: new Date().toISOString(),
      text: parsed.text ?? '',
      ...(parsed.html === undefined ? {} : { html: parsed.html }),
      attachments: parsed.attachments.map((attachment, index) => {
        const content = toBytes(attachment.content);
        const content_id = attachment.contentId?.replace(/^<|>$/g, '');
        return {
          filename: attachment.filename ?? `attachment-${index}`,
          content_type: attachment.mimeType,
          size: content.byteLength,
          ...(content_id === undefined ? {} : { content_id }),
          content,
        };
      }),
      raw,
    };
    this.#messages.set(message.id, message);
    this.#bytes += raw.byteLength;
    this.#evict();
    return message;
  }

  get(id: string): Message | undefined {
    return this.#messages.get(id);
  }

  /** Newest first; `to` compares whole addresses without regard to case. */
  list(query: { to?: string | undefined; limit: number }): Message[] {
    const wanted = query.to?.toLowerCase();
    const newestFirst = [...this.#messages.values()].reverse();
    return newestFirst
      .filter((message) => wanted === undefined || message.to.some((address) => address.toLowerCase() === wanted))
      .slice(0, query.limit);
  }

  clear(): number {
    const cleared = this.#messages.size;
    this.#messages.clear();
    this.#bytes = 0;
    return cleared;
  }

  #evict(): void {
    for (const [id, message] of this.#messages) {
      // The newest stays even where it is larger than the limit; SMTP has bounded its size.
      const fits = this.#messages.size <= this.#limits.messages && this.#bytes <= this.#limits.bytes;
      if (fits || this.#messages.size === 1) return;
      this.#messages.delete(id);
      this.#bytes -= message.raw.byteLength;
    }
  }
}

function toBytes(content: ArrayBuffer | Uint8Array | string): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content);
  return content instanceof Uint8Array ? content : new Uint8Array(content);
}
