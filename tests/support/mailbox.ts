import { until } from '@holdfast/shared/testing/until';

export interface ReceivedMail {
  readonly id: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly attachments: readonly { filename: string; content_type: string; size: number; content_id?: string }[];
}

/** What has arrived for an address, newest first. */
export async function mailsTo(mailUrl: string, address: string): Promise<ReceivedMail[]> {
  const response = await fetch(`${mailUrl}/messages?to=${encodeURIComponent(address)}`, {
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`the mail catcher answered ${response.status}`);
  return ((await response.json()) as { messages: ReceivedMail[] }).messages;
}

/** Waits for a mail to `address` whose subject names `words`. */
export function untilMail(mailUrl: string, address: string, words: string, timeout_ms?: number): Promise<ReceivedMail> {
  return until(
    `a mail to ${address} about ${words}`,
    async () => (await mailsTo(mailUrl, address)).find((mail) => mail.subject.includes(words)),
    timeout_ms,
  );
}

/** One attachment's bytes. */
export async function readAttachment(mailUrl: string, mailId: string, index: number): Promise<Buffer> {
  const response = await fetch(`${mailUrl}/messages/${mailId}/attachments/${index}`, {
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`the mail catcher answered ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
