import { globSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { parse } from 'yaml';
import { readPage, ROOT } from '../docs/pages.ts';
import { signUp } from '../support/customers.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

interface Rule {
  alert: string;
  expr: string;
  annotations: { runbook: string };
}
interface Dashboard {
  uid: string;
  panels: { title: string; targets: { expr: string }[] }[];
}

const { groups } = parse(readPage('infra/prometheus/rules.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboards = globSync('infra/grafana/dashboards/*.json', { cwd: ROOT }).map(
  (file) => JSON.parse(readPage(file)) as Dashboard,
);
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboards.flatMap(({ uid, panels }) =>
    panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`${uid}: ${title}`, expr] as const)),
  ),
];

/** Names of metrics in an expression. `up` is Prometheus's own. */
function metricsIn(expr: string): string[] {
  const bare = expr.replaceAll(/\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)/g, ' ');
  return [...bare.matchAll(/\b(?:holdfast|nodejs|process)_\w+/g)].map((match) => match[0]);
}

/** Labels that an expression asks for. */
function labelsIn(expr: string): string[] {
  const matched = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap((match) => [...match[1]!.matchAll(/(\w+)[=!]/g)]);
  const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap((match) => [...match[1]!.matchAll(/(\w+)/g)]);
  return [...matched, ...grouped].map((match) => match[1]!);
}

async function metricsOf(stack: Stack): Promise<string> {
  const parts = ['gateway', 'booking', 'payment', 'notification'] as const;
  const pages = await Promise.all(parts.map(async (part) => (await fetch(`${stack.url(part)}/metrics`)).text()));
  return pages.join('\n');
}

describe('what a running stack shows at /metrics', () => {
  let stack: Stack;
  let names: Set<string>;
  let text: string;
  beforeAll(async () => {
    stack = await startStack({ parts: WHOLE_PATH });
    text = await metricsOf(stack);
    names = new Set(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
        type === 'histogram' || type === 'summary' ? [`${name!}_bucket`, `${name!}_sum`, `${name!}_count`] : [name!],
      ),
    );
  }, 60_000);
  afterAll(() => stack?.stop());

  test.each(expressions)('has the metrics of %s', (_where, expr) => {
    const used = metricsIn(expr);
    expect(used.filter((name) => !names.has(name))).toEqual([]);
    // Otherwise the pattern above reads nothing, and this test shows nothing.
    expect(used.length + Number(/\bup\b/.test(expr))).toBeGreaterThan(0);
  });

  test('tells a service from the one that a link leads to', () => {
    expect(text).toMatch(/^holdfast_upstream_state\{(?=[^}]*service="payment")/m);
  });

  test('has read every group of states', async () => {
    const read = await until('every group to be read', async () => {
      const pages = await metricsOf(stack);
      const times = [...pages.matchAll(/^holdfast_state_read_timestamp_seconds\{(.*)\} (\S+)$/gm)];
      return times.every(([, , at]) => Number(at) > 0) && times.map(([, labels]) => /group="(\w+)"/.exec(labels!)![1]);
    });
    const groups = ['outbox', 'consumers', 'broker', 'holds', 'sagas', 'payments', 'provider_operations'];
    expect(new Set(read)).toEqual(new Set(groups));
  });

  test('counts events by what they tell', async () => {
    await signUp(stack);
    await until('the event to be counted', async () =>
      /^holdfast_outbox_published_total\{family="account",event="\w+",service="gateway"\} 1$/m.test(
        await metricsOf(stack),
      ),
    );
  });
});

describe('alerts', () => {
  test('each names a runbook page with a heading of its own', () => {
    for (const { alert, annotations } of rules) {
      const [page, anchor] = annotations.runbook.split('#');
      const headings = [...readPage(page!).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!.toLowerCase());
      if (anchor !== undefined) expect([alert, headings.includes(anchor)]).toEqual([alert, true]);
      else expect([alert, page]).toEqual([alert, 'docs/runbooks/integrity.md']);
    }
  });

  test('each has a state in which it must ring and one in which it must not', () => {
    const { tests } = parse(readPage('infra/prometheus/rules.test.yml')) as { tests: { name: string }[] };
    expect(tests.map(({ name }) => name).sort()).toEqual(
      rules.flatMap(({ alert }) => [`${alert} is silent`, `${alert} rings`]).sort(),
    );
  });
});

describe('dashboards', () => {
  test('there is one for services, for bookings and money, for messaging and for the database', () => {
    expect(dashboards.map(({ uid }) => uid).sort()).toEqual([
      'holdfast-bookings-and-money',
      'holdfast-database',
      'holdfast-messaging',
      'holdfast-services',
    ]);
  });

  test('group by labels that our metrics have', () => {
    const known = new Set(
      globSync(['services/*/src/**/*.ts', 'packages/shared/src/**/*.ts'], { cwd: ROOT })
        .filter((file) => !file.endsWith('.test.ts'))
        .flatMap((file) => [...readPage(file).matchAll(/(?:labelNames|labels)\b[^[\n]*\[([^\]]+)\]/g)])
        .flatMap((match) => [...match[1]!.matchAll(/'(\w+)'/g)].map((label) => label[1]!)),
    );
    for (const label of ['service', 'le', 'job', 'instance']) known.add(label);
    for (const [where, expr] of expressions) {
      expect([where, labelsIn(expr).filter((label) => !known.has(label))]).toEqual([where, []]);
    }
  });
});
