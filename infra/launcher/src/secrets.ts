import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const schema = z.object({
  internalSecret: z.string(),
  webhookSecret: z.string(),
  providerKey: z.string(),
  databasePassword: z.record(z.enum(['identity', 'booking', 'payment', 'notification']), z.string()),
  adminPassword: z.string(),
  customerPassword: z.string(),
});

export type Secrets = z.infer<typeof schema>;

const fileIn = (dataDir: string) => join(dataDir, 'secrets.json');

/** The secrets of this data folder; undefined when none were made yet. @throws Error when their file is damaged. */
export function readSecrets(dataDir: string): Secrets | undefined {
  const file = fileIn(dataDir);
  if (!existsSync(file)) return undefined;
  const parsed = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${file} is damaged. Restore it, or remove the data folder to start from nothing.`);
}

/** The secrets of this data folder: made once, kept in a file that only this account can read. */
export function openSecrets(dataDir: string): { readonly secrets: Secrets; readonly isFirst: boolean } {
  const known = readSecrets(dataDir);
  if (known) return { secrets: known, isFirst: false };
  const text = (bytes: number) => randomBytes(bytes).toString('base64url');
  const secrets: Secrets = {
    internalSecret: text(32),
    webhookSecret: `whsec_${text(24)}`,
    // A provider's key starts like this; the simulator refuses any other form, as Stripe does.
    providerKey: `sk_test_${randomBytes(16).toString('hex')}`,
    databasePassword: { identity: text(18), booking: text(18), payment: text(18), notification: text(18) },
    adminPassword: text(12),
    customerPassword: text(12),
  };
  writeFileSync(fileIn(dataDir), `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return { secrets, isFirst: true };
}
