import { Router, type NextFunction, type Request, type Response } from 'express';
import { jsonBody, toProblem } from '@holdfast/shared/http/app';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { verifyAssertion, type Caller } from '@holdfast/shared/http/internal-assertion';
import { parseBody } from '@holdfast/shared/http/validation';
import { newId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { AlternativesFinder } from '../alternatives/find-alternatives.ts';
import { holdProblem, isTaken } from './hold-answer.ts';
import { OverloadedError } from './hold-batcher.ts';
import { readHoldCommand } from './hold-command.ts';
import { placeHold, type PlaceHoldDeps } from './place-hold.ts';

const MAX_COMMANDS = 256;
const batchBody = z.object({
  commands: z
    .array(z.object({ assertion: z.string(), key: z.string().nullable(), deadline_ms: z.number(), body: z.unknown() }))
    .min(1)
    .max(MAX_COMMANDS),
});
/** So many holds in one call are no crowd: their losers may wait for alternatives without keeping winners waiting. */
const FEW = 8;
type BatchedHold = z.output<typeof batchBody>['commands'][number];

/** One answer of the batch; `body` is JSON text that the gateway passes on as it is. */
interface BatchedAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface HoldRoutesDeps extends PlaceHoldDeps {
  readonly alternatives: Pick<AlternativesFinder, 'find'>;
  readonly internalSecret: Secrets;
  readonly logger: Logger;
}

/** Tells the gateway to send this hold again by itself: it waits for another service, and those beside it must not. */
const APART: BatchedAnswer = { status: 307, headers: { location: '/internal/holds/apart' }, body: '' };

/**
 * POST /internal/holds: the holds that waited in one turn of the gateway's event loop, each with its own caller, key and deadline. The
 * answers come in the same order; the call itself is 200 whatever became of each, and 401 when the gateway vouches for none of them. `/internal/holds/apart` takes those that were
 * answered 307, and is answered when their price is known.
 */
export function holdRoutes(deps: HoldRoutesDeps): Router {
  const router = Router();
  // 128 bodies of 64 KiB and their envelopes.
  router.post(
    ['/internal/holds', '/internal/holds/apart'],
    jsonBody(16 * 1024 * 1024),
    refuseUnread,
    async (req: Request, res: Response) => {
      const callers = callersIn(req.body, deps.internalSecret);
      if (callers.every((caller) => caller === null)) throw notTheGateway();
      const { commands } = parseBody(batchBody, req.body);
      const call = { cameAt: performance.now(), few: commands.length <= FEW, apart: req.path.endsWith('/apart') };
      const answers = await Promise.all(
        commands.map((command, index) => answerOne(deps, callers[index] ?? null, command, call)),
      );
      res.json({ answers });
    },
  );
  return router;
}

/** Who sends each command, null where nobody vouches for it. The body may be anything: it is looked at before it is checked. */
function callersIn(body: unknown, secrets: Secrets): (Caller | null)[] {
  const commands = (body as { commands?: unknown } | null | undefined)?.commands;
  if (!Array.isArray(commands)) return [];
  // No more than a batch may have, else a stranger could have a million signatures computed.
  return commands.slice(0, MAX_COMMANDS).map((command: unknown) => {
    const assertion = (command as { assertion?: unknown } | null)?.assertion;
    return typeof assertion === 'string' ? verifyAssertion(secrets, assertion) : null;
  });
}

/** The assertions are in the body: nobody vouches for one that cannot be read. Express tells an error handler by its four parameters. */
function refuseUnread(_error: unknown, _req: Request, _res: Response, _next: NextFunction): void {
  throw notTheGateway();
}

function notTheGateway(): Problem {
  return new Problem('unauthenticated', { detail: 'services answer to the gateway only' });
}

async function answerOne(
  deps: HoldRoutesDeps,
  caller: Caller | null,
  hold: BatchedHold,
  call: { readonly cameAt: number; readonly few: boolean; readonly apart: boolean },
): Promise<BatchedAnswer> {
  try {
    if (!caller || caller.userId === null || caller.role === null) throw new Problem('unauthenticated');
    const command = readHoldCommand(caller as SignedInCaller, hold.key, hold.body);
    const deadlineAt = call.cameAt + hold.deadline_ms;
    const result = await placeHold(deps, command, { mayWait: call.apart, deadlineAt });
    if (result.kind === 'apart') return APART;
    if (result.kind === 'refused') {
      const instead = isTaken(result.refusal) ? await deps.alternatives.find(command.request, call.few) : [];
      throw holdProblem(result.refusal, instead);
    }
    const { status, headers, body } = result.answer;
    return { status, headers: result.replayed ? { ...headers, 'idempotent-replayed': 'true' } : headers, body };
  } catch (error) {
    const problem =
      error instanceof OverloadedError
        ? new Problem('dependency_unavailable', { detail: error.message })
        : toProblem(error);
    const requestId = caller?.requestId ?? newId('req');
    if (problem.code === 'internal_error') deps.logger.error({ err: error, request_id: requestId }, 'hold failed');
    return { status: problem.status, headers: problem.headers, body: JSON.stringify(problem.toBody(requestId)) };
  }
}
