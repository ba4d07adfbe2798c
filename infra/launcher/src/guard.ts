import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends the children when the launcher dies without a chance to do it itself (kill -9, out of memory). A shell in a session of its own
 * reads the pids from a pipe; the pipe closes when the launcher is gone, however it went. A shell because it costs one megabyte.
 */
const GUARD_SCRIPT = `
trap '' INT TERM HUP
pids=''
while read -r verb pid; do
  case "$verb" in
    add) pids="$pids $pid" ;;
    remove)
      kept=''
      for known in $pids; do [ "$known" = "$pid" ] || kept="$kept $known"; done
      pids=$kept ;;
  esac
done
[ -n "$pids" ] || exit 0
alive() { for pid in $pids; do kill -0 "$pid" 2>/dev/null && return 0; done; return 1; }
# INT: to PostgreSQL it means a fast shutdown, to everything else the same as TERM.
for pid in $pids; do kill -INT "$pid" 2>/dev/null; done
rounds=0
while alive && [ "$rounds" -lt 100 ]; do sleep 0.1; rounds=$((rounds + 1)); done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
exit 0
`;

export interface Guard {
  readonly pid: number | undefined;
  add(pid: number): void;
  remove(pid: number): void;
  /** Lets the guard go; pids still added are ended by it. */
  close(): void;
}

export function startGuard(): Guard {
  const child: ChildProcess = spawn('/bin/sh', ['-c', GUARD_SCRIPT], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
  });
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.unref();
  return {
    pid: child.pid,
    add: (pid) => void child.stdin?.write(`add ${pid}\n`),
    remove: (pid) => void child.stdin?.write(`remove ${pid}\n`),
    close: () => void child.stdin?.end(),
  };
}
