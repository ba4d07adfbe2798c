/**
 * The secrets of one purpose, the current one first: it makes what is new, and all of them are accepted. They may change while the
 * process runs, so whoever uses them asks each time.
 */
export interface SecretRing {
  values(): readonly string[];
}

/** One secret that never changes, as tests and simple installations have it, or a ring. */
export type Secrets = string | SecretRing;

/** @throws Error for a ring without a secret. */
export function currentSecret(secrets: Secrets): string {
  const [current] = allSecrets(secrets);
  if (current === undefined) throw new Error('a ring of secrets is empty');
  return current;
}

export function allSecrets(secrets: Secrets): readonly string[] {
  return typeof secrets === 'string' ? [secrets] : secrets.values();
}
