import { runCommand } from '../run-command.ts';
import type { UnprivilegedUser } from '../unprivileged-user.ts';
import type { BinarySource, SearchResult } from './server-binaries.ts';

export interface DockerOptions {
  readonly image: string;
  readonly executables: readonly string[];
  /** Mounted at the same path inside, so that the arguments are those of an installed server. */
  readonly dataDir: string;
  readonly user?: UnprivilegedUser | undefined;
  readonly log: (line: string) => void;
}

/**
 * The last resort: the server in a container on the host's network. `docker run` passes signals on to it and ends when it ends, so
 * that it is watched like any other child.
 */
export function dockerSource(options: DockerOptions): BinarySource {
  return {
    name: `Docker image ${options.image}`,
    async search(): Promise<SearchResult> {
      const info = await runCommand('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: 10_000 });
      if (info.code !== 0) return { missing: `docker info failed: ${info.output.split('\n').at(-1) ?? ''}` };
      options.log(`pulling ${options.image}`);
      const pull = await runCommand('docker', ['pull', '-q', options.image], { timeoutMs: 300_000 });
      if (pull.code !== 0) return { missing: `docker pull failed: ${pull.output.split('\n').at(-1) ?? ''}` };
      const uid = options.user?.uid ?? process.getuid?.() ?? 0;
      const gid = options.user?.gid ?? process.getgid?.() ?? 0;
      const base = ['run', '--rm', '--network', 'host', '--user', `${uid}:${gid}`];
      const mounted = [...base, '-v', `${options.dataDir}:${options.dataDir}`];
      return {
        programs: Object.fromEntries(
          options.executables.map((name) => [
            name,
            { command: 'docker', args: [...mounted, '--entrypoint', name, options.image], changesUser: true },
          ]),
        ),
        version: options.image.split(':')[1] ?? 'unknown',
        source: `Docker (${options.image})`,
      };
    },
  };
}
