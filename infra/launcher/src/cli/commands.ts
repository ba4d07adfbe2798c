import { styleText } from 'node:util';
import type { AttentionJson } from '@holdfast/shared/contracts/attention';
import type { AuditListJson } from '@holdfast/shared/contracts/audit';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { ConsumerListJson, OutboxListJson } from '@holdfast/shared/contracts/delivery-state';
import type { SagaJson } from '@holdfast/shared/contracts/sagas';
import type { TimelineJson } from '@holdfast/shared/contracts/timeline';
import { CommandError, EXIT } from './gateway-client.ts';
import { auditRows, verifyChains } from './audit-chains.ts';
import { deadLetters } from './dead-letters.ts';
import { consumerRows, outboxRows } from './delivery-rows.ts';
import { integrity } from './integrity.ts';
import { payments } from './payments.ts';
import type { Command } from './report.ts';
import { storyLines } from './story-lines.ts';
import { bold, table } from './table.ts';

/** `explain <reference or id>`: what happened to a booking, over all services. */
const explain: Command = async (api, operands) => {
  const [wanted] = exactly(operands, 1, 'explain takes the reference or the id of one booking');
  const id = wanted!.startsWith('bkg_')
    ? wanted!
    : (await api.get<BookingJson>(`/v1/bookings/reference/${encodeURIComponent(wanted!)}`)).id;
  const json = await api.get<TimelineJson>(`/v1/bookings/${encodeURIComponent(id)}/timeline`);
  const { booking, missing, data } = json;
  return {
    json,
    lines: [
      `${bold(booking.reference)}  ${booking.status}  ${booking.id}  ${data[0]?.at ?? ''}`,
      ...storyLines(data),
      ...missing.map((service) => styleText('red', `${service} did not answer: its part is missing`)),
    ],
  };
};

/** `attention`: what needs a person, the longest first. */
const attention: Command = async (api, operands) => {
  exactly(operands, 0, 'attention takes no operand');
  const json = await api.get<AttentionJson>('/v1/ops/attention');
  const rows = json.data.map(({ since, kind, service, booking_id: booking, id, detail }) => [
    ...[since, kind, service, booking ?? id ?? ''],
    detail,
  ]);
  return {
    json,
    lines: rows.length === 0 ? ['Nothing needs you.'] : table(['since', 'kind', 'service', 'of', 'detail'], rows),
  };
};

/** `sagas [id]`: checkouts that do not go on or are late; with the id of a booking, its checkout. */
const sagas: Command = async (api, operands) => {
  if (operands.length > 1) throw new CommandError('sagas takes the id of one booking, or nothing', EXIT.usage);
  const [id] = operands;
  const json =
    id === undefined
      ? await api.get<{ data: SagaJson[] }>('/v1/ops/sagas?stuck=true&limit=100')
      : await api.get<SagaJson>(`/v1/ops/sagas/${encodeURIComponent(id)}`);
  const shown = 'data' in json ? json.data : [json];
  const rows = shown.map((saga) => [
    saga.reference,
    saga.state,
    String(saga.tries),
    saga.updated_at,
    saga.reason ?? '',
  ]);
  return {
    json,
    lines:
      rows.length === 0 ? ['No checkout is stuck.'] : table(['booking', 'state', 'tries', 'since', 'reason'], rows),
  };
};

/** `outbox`: what waits on its way from one service to another, at the sender and at each consumer. */
const outbox: Command = async (api, operands) => {
  exactly(operands, 0, 'outbox takes no operand');
  const [outboxes, consumers] = await Promise.all([
    api.get<OutboxListJson>('/v1/ops/outbox'),
    api.get<ConsumerListJson>('/v1/ops/consumers'),
  ]);
  const missing = [...new Set([...outboxes.unreachable, ...consumers.unreachable])];
  return {
    json: { outbox: outboxes, consumers },
    lines: [
      ...table(['service', 'depth', 'oldest', 'later', 'unconfirmed', 'published by'], outboxRows(outboxes)),
      '',
      ...table(
        ['consumer', 'lag', 'pending', 'redelivered', 'oldest', 'parked', 'failing', 'dead letters'],
        consumerRows(consumers),
      ),
      ...missing.map((service) => styleText('red', `${service} did not answer: its part is missing`)),
    ],
  };
};

/** `audit [id]`: who did what, of all objects or of one; `audit verify`: whether the logs are what they were. */
const audit: Command = async (api, operands) => {
  if (operands.length > 1) throw new CommandError('audit takes the id of one object, or verify', EXIT.usage);
  const [what] = operands;
  if (what === 'verify') return verifyChains(api);
  const query = what === undefined ? '' : `&entity=${encodeURIComponent(what)}`;
  const json = await api.get<AuditListJson>(`/v1/ops/audit?limit=100${query}`);
  return {
    json,
    lines: [
      ...table(['at', 'service', 'who', 'role', 'did', 'to', 'entry', 'reason'], auditRows(json)),
      ...json.unreachable.map((service) => styleText('red', `${service} did not answer: its part is missing`)),
    ],
  };
};

export const COMMANDS: Readonly<Record<string, Command>> = {
  explain,
  attention,
  sagas,
  outbox,
  audit,
  integrity,
  payments,
  'dead-letters': deadLetters,
};

function exactly(operands: readonly string[], count: number, otherwise: string): readonly string[] {
  if (operands.length !== count) throw new CommandError(otherwise, EXIT.usage);
  return operands;
}
