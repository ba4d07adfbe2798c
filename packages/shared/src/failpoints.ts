/**
 * Named cut points for crash tests. `FAILPOINT=name[:nth]` makes the process kill itself with SIGKILL when it passes that point for
 * the nth time (default 1), exactly as if the machine had pulled the plug there: no handler runs, nothing is flushed.
 * Without the variable a point costs one comparison. The points are listed in docs/architecture.md.
 */
const [target, nth] = (process.env['FAILPOINT'] ?? '').split(':');
let left = Number(nth ?? 1);

export function failpoint(name: string): void {
  if (target === '' || name !== target) return;
  left -= 1;
  if (left > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment to arrive; nothing of this process may run on until it does.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
