/** Who runs a command that a page shows, or why nobody does. */
export type CommandRun = { readonly begins: string; readonly page?: string } & (
  | {
      /** A file of this checkout that runs it, with these or other arguments of the same kind. */
      readonly by: string;
      /** What must stand in that file, so that it cannot stop running the command unnoticed. */
      readonly names: string;
    }
  | { readonly notRun: string }
);

const SHOWN = { by: 'tests/system/shown-commands.test.ts', names: 'RUNBOOK_COMMANDS' };
const NIGHTLY = '.github/workflows/nightly.yml';
const BACKUP = { notRun: 'tests/system/backup.test.ts runs what is behind it, without the command line' };

/**
 * Every command in the fenced blocks of the pages; the first entry that a command begins with counts. `commands.test.ts` fails for one
 * that no entry has, so whoever writes a new one says here who runs it.
 */
export const COMMAND_RUNS: readonly CommandRun[] = [
  { begins: 'npm run -s holdfast -- audit', ...SHOWN },
  { begins: 'npm run -s holdfast -- dead-letters', ...SHOWN },
  { begins: 'npm run -s holdfast -- backup', ...BACKUP },
  { begins: 'npm run -s holdfast -- drill', ...BACKUP },
  { begins: 'npm run -s holdfast -- restore', ...BACKUP },
  { begins: 'npm test', by: '.ci/run', names: 'npm test' },
  { begins: 'npm run check', by: '.ci/run', names: 'npm run --silent check' },
  { begins: '.ci/run', by: '.github/workflows/ci.yml', names: 'run: .ci/run' },
  { begins: 'npm run bench', by: NIGHTLY, names: 'run: npm run bench' },
  { begins: 'npm run planted-bugs', by: NIGHTLY, names: 'planted-bugs' },
  { begins: 'npm run test:nemesis', by: NIGHTLY, names: 'test:nemesis -- --seeds' },
  { begins: 'npm run -s test:nemesis', by: NIGHTLY, names: 'test:nemesis -- --seeds' },
  { begins: 'infra/up dev', by: '.github/workflows/images.yml', names: 'run: infra/up dev' },
  { begins: 'infra/rollout production', by: '.github/workflows/rollout.yml', names: 'infra/rollout production' },
  {
    begins: 'npm start',
    notRun: 'it fetches servers and takes the usual ports; its parts have tests in infra/launcher',
  },
  { begins: 'infra/up production run', notRun: 'it needs the images of a release' },
  { begins: 'HOLDFAST_SIMULATOR_DATA_DIR=', by: 'tests/support/stack.ts', names: 'HOLDFAST_SIMULATOR_DATA_DIR:' },
  { begins: 'curl -s localhost:8084/simulator/rules', notRun: 'the port is that of a simulator started by hand' },
  { begins: 'curl -s "$API/v1/ops/audit', page: 'docs/runbooks/audit.md', notRun: 'its ids are made up' },
  // The whole block is one program: each line needs what those before it set.
  { begins: '', page: 'README.md', by: SHOWN.by, names: 'TRY_IT' },
];

/** The entry of a command; undefined when nobody has said who runs it. */
export function runOf(page: string, command: string): CommandRun | undefined {
  return COMMAND_RUNS.find((run) => command.startsWith(run.begins) && (run.page === undefined || run.page === page));
}
