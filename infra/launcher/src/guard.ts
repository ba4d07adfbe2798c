import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends the children when the launcher dies without a chance to do it itself (kill -9, out of memory). A shell in a session of its own
 * reads the pids from a pipe; the pipe closes when the launcher is gone, however it went. A shell because it costs one megabyte.
 */
const GUARD_SCRIPT = `
trap '' INT TERM HUP
workers='' servers=''
without() { kept=''; for known in $1; do [ "$known" = "$2" ] || kept="$kept $known"; done; echo "$kept"; }
while read -r verb pid; do
  case "$verb" in
    worker) workers="$workers $pid" ;;
    server) servers="$servers $pid" ;;
    remove) workers=$(without "$workers" "$pid"); servers=$(without "$servers" "$pid") ;;
  esac
done
alive() { for pid in $1; do kill -0 "$pid" 2>/dev/null && return 0; done; return 1; }
# INT: to PostgreSQL it means a fast shutdown, to everything else the same as TERM.
end() {
  for pid in $1; do kill -INT "$pid" 2>/dev/null; done
  rounds=0
  while alive "$1" && [ "$rounds" -lt 100 ]; do sleep 0.1; rounds=$((rounds + 1)); done
  for pid in $1; do kill -KILL "$pid" 2>/dev/null; done
}
end "$workers"
end "$servers"
exit 0
`;

/** Servers end after the workers, which need them to finish what they are doing. */
export type GuardedKind = 'worker' | 'server';

export interface Guard {
  readonly pid: number | undefined;
  add(pid: number, kind: GuardedKind): void;
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
    add: (pid, kind) => void child.stdin?.write(`${kind} ${pid}\n`),
    remove: (pid) => void child.stdin?.write(`remove ${pid}\n`),
    close: () => void child.stdin?.end(),
  };
}
