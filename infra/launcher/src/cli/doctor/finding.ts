/** What doctor says about one thing. */
export interface Finding {
  readonly check: string;
  /** A `warn` works, but not as it should in production or not for long. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; null when all is well. */
  readonly fix: string | null;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail, fix: null });
export const warn = (check: string, detail: string, fix: string): Finding => ({ check, status: 'warn', detail, fix });
export const fail = (check: string, detail: string, fix: string): Finding => ({ check, status: 'fail', detail, fix });

/** The message of an error of any kind, in one line. */
export function reasonOf(error: unknown): string {
  const { message, code, cause } = error as { message?: string; code?: string; cause?: { message?: string } };
  return (cause?.message ?? (message || code || String(error))).split('\n')[0]!;
}
