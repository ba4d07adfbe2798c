/** What a step found. `report` is empty when all is well, else the lines to show. */
export interface StepOutcome {
  readonly ok: boolean;
  readonly report: string;
}

export interface Step {
  /** One word, used to choose the step on the command line. */
  readonly name: string;
  /** What it looks at, in a few words. */
  readonly title: string;
  readonly run: () => Promise<StepOutcome>;
}

export interface StepResult extends StepOutcome {
  readonly name: string;
  readonly title: string;
  readonly ms: number;
}

/** How the steps' progress is shown; `say` gets whole lines. */
export interface StepRunner {
  readonly steps: readonly Step[];
  readonly say: (line: string) => void;
  /** Milliseconds of a clock that only rises. */
  readonly clock: () => number;
  /** Asked before each step; true leaves the rest out. */
  readonly stopWanted: () => boolean;
}

/**
 * Runs every step, also after one has failed: one run shows everything there is to repair. A step that throws has failed, and what
 * it threw is its report. Steps left out by a wish to stop have no result.
 */
export async function runSteps(runner: StepRunner): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const { name, title, run } of runner.steps) {
    if (runner.stopWanted()) break;
    const startedAt = runner.clock();
    const outcome = await run().catch((error: unknown) => ({ ok: false, report: describe(error) }));
    const result = { name, title, ms: Math.round(runner.clock() - startedAt), ...outcome };
    results.push(result);
    runner.say(`${result.ok ? 'ok    ' : 'FAILED'} ${seconds(result.ms)}  ${name.padEnd(10)} ${title}`);
    if (!result.ok) runner.say(indent(result.report));
  }
  return results;
}

/** The last line: what failed by name, or that nothing did. */
export function summary(results: readonly StepResult[], planned: number): string {
  const failed = results.filter((result) => !result.ok).map((result) => result.name);
  const total = seconds(results.reduce((sum, result) => sum + result.ms, 0)).trim();
  if (results.length < planned) return `check: stopped after ${results.length} of ${planned} steps`;
  if (failed.length === 0) return `check: all ${planned} steps passed in ${total}`;
  return `check: ${failed.length} of ${planned} steps failed (${failed.join(', ')}) in ${total}`;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n${describe(error.cause)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`.padStart(7);
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
