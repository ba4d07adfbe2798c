import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { JSON_LIMIT_BYTES } from '@holdfast/shared/http/app';
import { parse } from 'yaml';
import { WEBHOOK_LIMIT_BYTES } from '../../services/gateway/src/border/read-body.ts';
import { ROUTES } from '../../services/gateway/src/openapi/route-table.ts';
import { readPage, ROOT } from '../docs/pages.ts';

interface Service {
  image: string;
  build?: { context: string; dockerfile: string; args: { PROGRAM: string; PORT: number } };
  environment?: Record<string, string>;
  secrets?: string[];
  configs?: { source: string; target: string }[];
  networks?: string[] | Record<string, unknown>;
  depends_on?: Record<string, unknown>;
  ports?: string[];
  healthcheck?: { disable?: boolean };
  profiles?: string[];
}

const text = readPage('infra/compose.yaml');
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  configs: Record<string, { file: string }>;
  secrets: Record<string, { file: string }>;
  networks: Record<string, unknown>;
};
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);

/** Names in backticks in the first column of a section's table. */
function documented(section: string): string[] {
  const part = readPage('docs/configuration.md')
    .split(/^## /m)
    .find((each) => each.startsWith(`${section}\n`));
  const rows = (part ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([A-Z0-9_]+)`/g)].map((match) => match[1]!));
}

/** Which section of docs/configuration.md tells what a program reads. */
const SECTIONS: Readonly<Record<string, string>> = {
  'services/gateway': 'Gateway',
  'services/booking': 'Booking',
  'services/payment': 'Payment',
  'services/notification': 'Notification',
  'infra/database': 'Preparing the database',
  'infra/provider-simulator': 'Provider simulator',
  'infra/mail-catcher': 'Mail catcher',
  'infra/quoter': 'Quoter',
};

describe('infra/compose.yaml', () => {
  test.each(ours)('gives %s only variables that its program reads', (_name, service) => {
    const program = service.build!.args.PROGRAM;
    const common = program.startsWith('services/') ? documented('Every service') : [];
    const known = [...common, ...documented(SECTIONS[program]!)];
    expect(Object.keys(service.environment ?? {}).filter((name) => !known.includes(name))).toEqual([]);
  });

  test('takes no variable from outside that docs/configuration.md does not list', () => {
    const used = new Set([...text.matchAll(/\$\{([A-Z0-9_]+)/g)].map((match) => match[1]!));
    const known = documented('Containers');
    expect([...used].filter((name) => !known.includes(name))).toEqual([]);
    const profiles = globSync('infra/compose/*.env*', { cwd: ROOT }).map(readPage).join('\n');
    const set = [...profiles.matchAll(/^([A-Z0-9_]+)=/gm)].map((match) => match[1]!);
    expect(set.filter((name) => !known.includes(name))).toEqual([]);
    const listed = known.filter((name) => !used.has(name) && !set.includes(name));
    expect(listed).toEqual([]);
  });

  test.each(ours)('starts %s from a folder that is there, on the port that it is told', (_name, service) => {
    const { PROGRAM, PORT } = service.build!.args;
    expect(existsSync(join(ROOT, PROGRAM, 'src/main.ts'))).toBe(true);
    const ports = Object.entries(service.environment ?? {}).filter(
      ([name]) => name.endsWith('_PORT') && name !== 'HOLDFAST_SMTP_PORT',
    );
    expect(ports.map(([, value]) => Number(value))).toEqual(PORT === 0 ? [] : [PORT]);
  });

  test.each(ours)('asks %s for its health where it answers', (_name, service) => {
    const { PROGRAM, PORT } = service.build!.args;
    if (PORT === 0) {
      expect(service.healthcheck).toEqual({ disable: true });
      return;
    }
    const path = /path: '([^']+)'/.exec(readPage('infra/images/health-check.mjs'))![1]!;
    const mounted = globSync([`${PROGRAM}/src/**/*.ts`, 'packages/shared/src/http/health.ts'], { cwd: ROOT })
      .filter((file) => !file.endsWith('.test.ts'))
      .filter((file) => PROGRAM.startsWith('services/') || file.startsWith(PROGRAM))
      .some((file) => readPage(file).includes(`'${path}'`));
    expect(mounted).toBe(true);
  });

  test('names files that are there, and secrets that infra/up makes or asks for', () => {
    for (const { file } of Object.values(compose.configs)) expect(existsSync(join(ROOT, 'infra', file))).toBe(true);
    const up = readPage('infra/up');
    for (const name of Object.keys(compose.secrets)) {
      const made = name.replace(/^(identity|booking|payment|notification)_/, '${schema}_');
      expect([name, up.includes(`put ${name} `) || up.includes(`put "${made}" `)]).toEqual([name, true]);
    }
    for (const [, service] of services) {
      for (const name of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(name);
      for (const { source } of service.configs ?? []) expect(Object.keys(compose.configs)).toContain(source);
      for (const name of Object.keys(service.depends_on ?? {})) expect(Object.keys(compose.services)).toContain(name);
    }
  });

  test('gives a program every secret whose file it is told', () => {
    for (const [name, service] of ours) {
      const told = Object.values(service.environment ?? {}).flatMap(
        (value) => /^\/run\/secrets\/(.+)$/.exec(value)?.[1] ?? [],
      );
      expect([name, [...told].sort()]).toEqual([name, [...(service.secrets ?? [])].sort()]);
    }
  });

  test('opens no port to the network but those of nginx in production', () => {
    const open = services.flatMap(([name, service]) =>
      (service.ports ?? []).filter((port) => !port.startsWith('127.0.0.1:')).map((port) => `${name} ${port}`),
    );
    expect(open).toEqual(['nginx 80:8080', 'nginx 443:8443']);
  });

  test('runs our programs without rights and with a limit', () => {
    for (const [name, service] of ours) {
      expect([name, service]).toEqual([
        name,
        expect.objectContaining({
          read_only: true,
          cap_drop: ['ALL'],
          security_opt: ['no-new-privileges:true'],
          mem_limit: expect.any(String),
        }),
      ]);
    }
    expect(readPage('infra/images/Dockerfile')).toMatch(/^USER 1000:1000$/m);
  });

  test('trusts the address of nginx alone', () => {
    const { environment } = compose.services['gateway']!;
    for (const name of ['nginx', 'nginx-dev']) {
      const { edge } = compose.services[name]!.networks as Record<string, { ipv4_address: string }>;
      expect(environment!['HOLDFAST_TRUSTED_PROXIES']).toBe(edge!.ipv4_address);
    }
  });
});

describe('infra/nginx', () => {
  const proxy = readPage('infra/nginx/proxy.conf');
  const bytes = (size: string) => Number.parseInt(size) * (size.endsWith('m') ? 1024 * 1024 : 1024);
  /** The limit of a path: that of the first pattern that matches, else the common one. */
  const limitOf = (path: string): number => {
    for (const [, pattern, body] of proxy.matchAll(/location ~ (\S+) \{([^}]*)\}/g)) {
      if (new RegExp(pattern!).test(path)) return bytes(/client_max_body_size (\S+);/.exec(body!)![1]!);
    }
    return bytes(/^client_max_body_size (\S+);/m.exec(proxy)![1]!);
  };

  test.each(ROUTES.filter((route) => route.method !== 'get').map((route) => [route.path, route] as const))(
    'lets through to %s what the gateway takes, and no more',
    (path, route) => {
      const expected =
        route.access === 'callback' ? WEBHOOK_LIMIT_BYTES : (route.rawBody?.limitBytes ?? JSON_LIMIT_BYTES);
      expect(limitOf(path.replaceAll(/:\w+/g, 'x'))).toBe(expected);
    },
  );

  test('replaces what a client says about its address', () => {
    expect(proxy).toMatch(/^proxy_set_header X-Forwarded-For \$remote_addr;$/m);
    expect(proxy).not.toContain('proxy_add_x_forwarded_for');
  });

  test('waits longer than the gateway does, so that the gateway answers', () => {
    const longest = Math.max(...ROUTES.map((route) => route.timeLimitMs ?? 0));
    expect(Number(/proxy_read_timeout (\d+)s;/.exec(proxy)![1]) * 1000).toBeGreaterThan(longest);
  });

  test('keeps the metrics for Prometheus', () => {
    expect(proxy).toMatch(/location = \/metrics \{\s*return 404;/);
  });

  test.each(['dev', 'production'])('includes it in %s.conf', (profile) => {
    expect(readPage(`infra/nginx/${profile}.conf`)).toContain('include /etc/nginx/holdfast/proxy.conf;');
  });
});

describe('infra/images', () => {
  test('bake.hcl and compose.yaml build the same images', () => {
    const baked = [...readPage('infra/images/bake.hcl').matchAll(/folder = "([^"]+)", port = "(\d+)"/g)];
    const inCompose = ours.map(([, service]) => `${service.build!.args.PROGRAM} ${service.build!.args.PORT}`);
    expect(baked.map(([, folder, port]) => `${folder} ${port}`).sort()).toEqual(inCompose.sort());
  });

  test('install with the pnpm that the workspace uses', () => {
    const version = /pnpm@([\d.]+)/.exec(readPage('infra/images/Dockerfile'))![1]!;
    expect(readPage('infra/launcher/bootstrap.mjs')).toContain(`PNPM_VERSION = '${version}'`);
  });
});
