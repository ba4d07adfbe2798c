import type { AuditChainStateJson, AuditListJson, AuditVerificationJson } from '@holdfast/shared/contracts/audit';
import { styleText } from 'node:util';
import type { ApiClient } from '../first-bookings/api-client.ts';
import { EXIT } from './gateway-client.ts';
import type { Report } from './report.ts';
import { table } from './table.ts';

/** When, service, who, role, what, object, entry, reason. */
export function auditRows({ data }: AuditListJson): string[][] {
  return data.map((entry) => [
    ...[entry.at, entry.service, entry.actor, entry.role, entry.action],
    `${entry.entity.kind} ${entry.entity.id}`,
    ...[entry.id, entry.reason ?? ''],
  ]);
}

/** Verifies every chain to its end, however many calls that takes. */
export async function verifyChains(api: Pick<ApiClient, 'get'>): Promise<Report> {
  const first = await api.get<AuditVerificationJson>('/v1/ops/audit/verify');
  const chains = await Promise.all(first.services.map((chain) => toTheEnd(api, chain)));
  const { unreachable } = first;
  const statuses = chains.map(({ status }) => status);
  const known = unreachable.length === 0 && !statuses.includes('incomplete');
  const status = statuses.includes('broken') ? 'broken' : known ? 'ok' : 'incomplete';
  const rows = chains.map(({ service, status, head, older, waiting }) => [
    ...[service, status, String(head?.seq ?? '-'), String(older), String(waiting), head?.hash ?? '-'],
  ]);
  return {
    json: {
      ...first,
      status,
      services: chains,
    } satisfies AuditVerificationJson,
    lines: [
      ...table(['service', 'chain', 'links', 'older', 'waiting', 'head'], rows),
      ...chains.flatMap(({ service, broken: links }) =>
        links.map(({ seq, audit_id: id, problem }) =>
          styleText(
            'red',
            `${service}: ${problem}${seq === null ? '' : ` at link ${seq}`}${id === null ? '' : ` (${id})`}`,
          ),
        ),
      ),
      ...unreachable.map((service) => styleText('red', `${service} did not answer: its chain is not known`)),
    ],
    exitCode: status === 'ok' ? 0 : EXIT.refused,
  };
}

async function toTheEnd(api: Pick<ApiClient, 'get'>, begun: AuditChainStateJson): Promise<AuditChainStateJson> {
  let chain = begun;
  while (chain.status === 'incomplete') {
    const { service, verified_through: after } = chain;
    const { services } = await api.get<AuditVerificationJson>(`/v1/ops/audit/verify?service=${service}&after=${after}`);
    // It answered a moment ago; now the rest is not known.
    if (!services[0]) return chain;
    chain = services[0];
  }
  return chain;
}
