import fc from 'fast-check';
import type { Actor, DrivenRequest } from '../support/api-driver.ts';
import { createApiClient } from '../support/api-client.ts';
import { makePoolEvent, makeResource, makeSeatsEvent } from '../support/catalogue.ts';
import type { Operation } from '../support/contract.ts';
import type { DrivenStack } from '../support/driven-stack.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import type { Stack } from '../support/stack.ts';

const PAST_ALL_HOLDS_MS = 3 * 3_600_000;

export interface FuzzOptions {
  /** The same seed makes the same choices; ids and times differ from run to run. */
  readonly seed: number;
  readonly requests: number;
  /** Called after each request with how many were sent. */
  readonly onRequest?: (sent: number) => void;
  readonly wanted?: () => boolean;
}

/** Something that must not be, with the request that brought it. */
export interface Finding {
  /** The how-manieth request it was. */
  readonly at: number;
  readonly operation: string;
  readonly actor: string;
  readonly request: string;
  readonly status: number;
  readonly violations: readonly string[];
}

export interface FuzzReport {
  readonly seed: number;
  readonly sent: number;
  readonly ms: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Operations that were called, and those of them that succeeded at least once. */
  readonly operations: { readonly called: number; readonly succeeded: number; readonly all: number };
  readonly findings: readonly Finding[];
}

/** How often an operation comes up. What removes things is rare, else there would be nothing to work with. */
function weightOf(operation: Operation): number {
  if (operation.id === 'createBooking') return 10;
  if (operation.path.startsWith('/v1/bookings') || /^create|^join/.test(operation.id)) return 4;
  if (operation.method === 'DELETE' || operation.id === 'cancelEvent' || operation.id === 'logoutAll') return 1;
  return 2;
}

/**
 * Sends requests that the OpenAPI document describes, or nearly describes, as two customers, an operator, an administrator and
 * nobody. What answers show is used in later requests, so the run goes through states that nobody thought of. A finding is a 5xx, an
 * answer that the document does not allow, or an id of one customer in an answer to the other.
 */
export async function fuzz(stack: Stack, driven: DrivenStack, options: FuzzOptions): Promise<FuzzReport> {
  const startedAt = performance.now();
  const { contract, driver } = driven;
  const actors = [driven.ann, driven.bob, driven.operator, driven.admin, driven.anybody];
  await prepare(stack, driven);

  const byStatus: Record<string, number> = {};
  const findings: Finding[] = [];
  const [called, succeeded] = [new Set<string>(), new Set<string>()];
  const choice = fc.tuple(
    fc.oneof(
      ...contract.operations.map((operation) => ({ weight: weightOf(operation), arbitrary: fc.constant(operation) })),
    ),
    fc.constantFrom(...actors),
    // Mostly somebody who may, else a run would see little but refusals.
    fc.nat({ max: 3 }),
    fc.constantFrom<'valid' | 'spoilt'>('valid', 'valid', 'valid', 'spoilt'),
  );
  let sent = 0;
  for (const [operation, anyone, luck, how] of fc.sample(choice, { seed: options.seed, numRuns: options.requests })) {
    if (options.wanted?.() === false) break;
    const actor = luck === 0 ? anyone : rightful(operation, driven, luck);
    const caller = mayCall(operation, actor) ? actor : driven.ann;
    const [request] = fc.sample(driver.requestOf(operation, caller, how), { seed: options.seed + sent, numRuns: 1 });
    const answer = await driver.send(request!);
    sent += 1;
    called.add(operation.id);
    byStatus[answer.status] = (byStatus[answer.status] ?? 0) + 1;
    if (answer.status < 300) succeeded.add(operation.id);
    if (answer.violations.length > 0) findings.push(findingOf(sent, request!, answer.status, answer.violations));
    // Sessions end when somebody ends them; the caller signs in again and goes on.
    if (answer.status === 401 && caller.token !== null) await driven.renew(caller);
    if (operation.id === 'logoutAll' && answer.status === 204) await driven.renew(caller);
    options.onRequest?.(sent);
  }
  return {
    seed: options.seed,
    sent,
    ms: Math.round(performance.now() - startedAt),
    byStatus,
    operations: { called: called.size, succeeded: succeeded.size, all: contract.operations.length },
    findings,
  };
}

/** Somebody who may call an operation. */
function rightful(operation: Operation, { admin, operator, ann, bob, anybody }: DrivenStack, luck: number): Actor {
  if (operation.role !== null) return operation.role === 'admin' || luck === 1 ? admin : operator;
  if (operation.access !== 'user') return anybody;
  return luck === 1 ? bob : ann;
}

/** Lets all holds run out, also those whose customer never confirms the payment, and gives the promises of the data that are broken. */
export async function brokenAfterwards(stack: Stack): Promise<string[]> {
  await stack.database.advanceClock(PAST_ALL_HOLDS_MS);
  await untilQuiet(stack, 60_000);
  return brokenInvariants(stack);
}

/** The administrator does not give roles here: who sees what must stay as it is known. */
function mayCall(operation: Operation, actor: Actor): boolean {
  return operation.id !== 'changeRole' || actor.role !== 'admin';
}

function findingOf(at: number, request: DrivenRequest, status: number, violations: readonly string[]): Finding {
  const { operation, actor, path, body } = request;
  return {
    at,
    operation: operation.id,
    actor: actor.name,
    request: `${operation.method} ${path}${body === null ? '' : ` ${body.slice(0, 500)}`}`,
    status,
    violations,
  };
}

/** Something to book of each kind, seen by those who will use it. */
async function prepare(stack: Stack, driven: DrivenStack): Promise<void> {
  const { driver, contract, admin, anybody } = driven;
  const client = createApiClient(stack.url('gateway'), () => ({ authorization: `Bearer ${admin.token}` }));
  const rows = [
    { row: 'A', seats: 20 },
    { row: 'B', seats: 20 },
  ];
  for (let i = 0; i < 3; i += 1) {
    await makeSeatsEvent(client, { rows });
    await makePoolEvent(client, { numbered: i === 0 });
    await makeResource(client);
  }
  for (const { id, method, path, access } of contract.operations) {
    if (method === 'GET' && access === 'public' && !path.includes('{')) await driver.send(driver.compose(id, anybody));
  }
}
