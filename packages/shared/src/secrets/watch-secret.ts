import { currentSecret, type Secrets } from './secret-ring.ts';

const LOOK_MS = 1_000;

/**
 * Tells whenever the current secret is another one than before, within a second, until the function that is given back is called. For
 * connections, which last: everything else asks for its secret each time. Keeps no process alive.
 */
export function watchSecret(secrets: Secrets, onChange: (current: string) => void): () => void {
  let known = currentSecret(secrets);
  const timer = setInterval(() => {
    const current = currentSecret(secrets);
    if (current === known) return;
    known = current;
    onChange(current);
  }, LOOK_MS).unref();
  return () => clearInterval(timer);
}
