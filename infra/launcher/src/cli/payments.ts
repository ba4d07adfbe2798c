import { styleText } from 'node:util';
import type { AttentionJson } from '@holdfast/shared/contracts/attention';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { LedgerEntryJson } from '@holdfast/shared/contracts/ledger';
import type { PaymentJson } from '@holdfast/shared/contracts/payments';
import type { FindingJson } from '@holdfast/shared/contracts/reconciliation';
import type { TimelineEntry, TimelineJson } from '@holdfast/shared/contracts/timeline';
import { CommandError, EXIT } from './gateway-client.ts';
import type { Command, Report } from './report.ts';
import { bold, table } from './table.ts';

type Api = Parameters<Command>[0];
interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

/**
 * `payments`: those that need somebody, and where the provider's books and ours differ; `payments <id or reference>`: the payment of one
 * booking with its attempts, calls to the provider, refunds and ledger entries.
 */
export const payments: Command = async (api, operands) => {
  if (operands.length > 1) {
    throw new CommandError('payments takes a booking, a reference or a payment, or nothing', EXIT.usage);
  }
  const [wanted] = operands;
  return wanted === undefined ? open(api) : one(api, await find(api, wanted));
};

async function open(api: Api): Promise<Report> {
  const [attention, findings] = await Promise.all([api.get<AttentionJson>('/v1/ops/attention'), openFindings(api)]);
  const waiting = attention.data.filter(({ kind }) => kind === 'payment_unknown' || kind === 'payment_mismatch');
  const silent = attention.data.some(({ kind, service }) => kind === 'service_unreachable' && service === 'payment');
  const rows = waiting.map(({ since, kind, id, booking_id: booking, detail }) => [
    ...[since, kind, id ?? '', booking ?? ''],
    detail,
  ]);
  return {
    json: { payments: waiting, findings, unreachable: silent ? ['payment'] : [] },
    lines: [
      ...(rows.length === 0
        ? ['No payment needs you.']
        : table(['since', 'what', 'payment', 'booking', 'detail'], rows)),
      '',
      ...(findings.length === 0 ? ["The provider's books and ours agree."] : findingLines(findings)),
      ...(silent ? [styleText('red', 'payment did not answer: its part is missing')] : []),
    ],
    exitCode: silent ? EXIT.unreachable : 0,
  };
}

/** @throws CommandError for a booking that nobody has tried to pay. */
async function find(api: Api, wanted: string): Promise<PaymentJson> {
  const path = encodeURIComponent(wanted);
  if (wanted.startsWith('pay_')) return api.get<PaymentJson>(`/v1/payments/${path}`);
  const booking = wanted.startsWith('bkg_')
    ? await api.get<BookingJson>(`/v1/bookings/${path}`)
    : await api.get<BookingJson>(`/v1/bookings/reference/${path}`);
  const { data } = await api.get<Page<PaymentJson>>(`/v1/payments?booking_id=${booking.id}`);
  if (data[0] === undefined) {
    throw new CommandError(`${booking.reference} is ${booking.status} and has no payment`, EXIT.refused);
  }
  return data[0];
}

async function one(api: Api, payment: PaymentJson): Promise<Report> {
  const [ledger, timeline, findings] = await Promise.all([
    everyPage<LedgerEntryJson>(api, `/v1/ops/ledger/entries?limit=100&payment_id=${payment.id}`),
    api.get<TimelineJson>(`/v1/bookings/${payment.booking_id}/timeline`),
    openFindings(api),
  ]);
  const operations = timeline.data.filter(({ source, type }) => source === 'payment' && type.startsWith('provider.'));
  const differing = findings.filter(({ payment_id: id }) => id === payment.id);
  const { currency } = payment;
  return {
    json: { payment, booking: timeline.booking, operations, ledger, findings: differing, missing: timeline.missing },
    lines: [
      `${bold(payment.id)}  ${payment.status}  ${moneyText(payment.amount, currency)}  ${payment.provider} ${payment.provider_reference ?? '-'}`,
      `booking ${timeline.booking.reference}  ${timeline.booking.status}  ${timeline.booking.id}`,
      ...section('attempts', ['attempt', 'status', 'method', 'since', 'declined'], attemptRows(payment)),
      ...section('calls to the provider', ['at', 'call', 'what'], operations.map(operationRow)),
      ...section('refunds', ['refund', 'status', 'amount', 'at'], refundRows(payment)),
      ...section('ledger', ['at', 'kind', 'debit', 'credit', 'amount', 'cause'], ledger.map(ledgerRow)),
      ...(differing.length === 0 ? [] : ['', ...findingLines(differing)]),
      ...timeline.missing.map((service) => styleText('red', `${service} did not answer: its part is missing`)),
    ],
  };
}

const attemptRows = ({ attempts }: PaymentJson) =>
  attempts.map(({ number, status, payment_method: method, updated_at: at, decline_reason: declined }) => [
    ...[String(number), status, method, at],
    declined ?? '',
  ]);

const refundRows = ({ refunds }: PaymentJson) =>
  refunds.map(({ id, status, amount, currency, created_at: at }) => [id, status, moneyText(amount, currency), at]);

const operationRow = ({ at, type, summary }: TimelineEntry) => [at, type.slice('provider.'.length), summary];

const ledgerRow = (entry: LedgerEntryJson) => [
  ...[entry.posted_at, entry.kind, entry.debit_account, entry.credit_account],
  ...[moneyText(entry.amount, entry.currency), entry.cause],
];

function section(title: string, heads: readonly string[], rows: readonly string[][]): string[] {
  return rows.length === 0 ? ['', `no ${title}`] : ['', bold(title), ...table(heads, rows)];
}

function findingLines(findings: readonly FindingJson[]): string[] {
  const side = (amount: number | null, currency: string) => (amount === null ? '-' : moneyText(amount, currency));
  const rows = findings.map((each) => [
    ...[each.found_at, each.kind, each.id, each.payment_id ?? each.provider_reference],
    ...[side(each.amount_here, each.currency), side(each.amount_there, each.currency), each.detail],
  ]);
  return table(['found', 'difference', 'finding', 'of', 'here', 'there', 'detail'], rows);
}

const openFindings = (api: Api) => everyPage<FindingJson>(api, '/v1/ops/reconciliation/findings?state=OPEN&limit=100');

async function everyPage<T>(api: Api, path: string): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page<T> = await api.get<Page<T>>(cursor === '' ? path : `${path}&cursor=${encodeURIComponent(cursor)}`);
    all.push(...page.data);
    cursor = page.next_cursor;
  }
  return all;
}

/** Minor units as an amount with its currency; a currency has as many decimals as it has. */
export function moneyText(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2)).replace('\u00a0', ' ');
}
