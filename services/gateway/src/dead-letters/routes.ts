import { replayDeadLettersBody } from '@holdfast/shared/contracts/dead-letter-replays';
import {
  deadLetterGroupQuery,
  deadLetterQuery,
  discardDeadLetterBody,
  emptyDeadLetterBody,
} from '@holdfast/shared/contracts/dead-letters';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import type { Express, Request } from 'express';
import type { Pool as Upstream } from 'undici';
import type { AssertCaller } from '../border/assertion.ts';
import { requireOperator, type Authenticator } from '../border/authenticate.ts';
import { readJson } from '../border/read-body.ts';
import {
  decideDeadLetter,
  findDeadLetter,
  gatherDeadLetterGroups,
  gatherDeadLetters,
  type Asking,
} from './gather-dead-letters.ts';
import { findReplay, startReplays, stopReplays } from './gather-replays.ts';

export interface DeadLettersDeps {
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly upstreams: Readonly<Record<string, Upstream>>;
}

/** The dead letters of all services, for operators. */
export function mountDeadLetters(app: Express, deps: DeadLettersDeps): void {
  async function asOperator(req: Request): Promise<Asking> {
    const signedIn = requireOperator(await deps.authenticator.authenticate(req));
    return { upstreams: deps.upstreams, assertion: deps.assertCaller(req, signedIn).assertion };
  }

  app.get('/v1/ops/dead-letters', async (req, res) => {
    const asking = await asOperator(req);
    res.json(await gatherDeadLetters(asking, parseQuery(deadLetterQuery, req.query)));
  });
  app.get('/v1/ops/dead-letters/groups', async (req, res) => {
    const asking = await asOperator(req);
    res.json(await gatherDeadLetterGroups(asking, parseQuery(deadLetterGroupQuery, req.query).service));
  });
  app.post('/v1/ops/dead-letters/replay', async (req, res) => {
    const asking = await asOperator(req);
    const body = parseBody(replayDeadLettersBody, (await readJson(req))?.value);
    const answer = await startReplays(asking, body);
    if (!answer.dry_run) res.status(202).location(`/v1/ops/dead-letters/replays/${answer.id}`);
    res.json(answer);
  });
  app.get('/v1/ops/dead-letters/replays/:id', async (req, res) => {
    res.json(await findReplay(await asOperator(req as Request), req.params.id));
  });
  app.post('/v1/ops/dead-letters/replays/:id/stop', async (req: Request<{ id: string }>, res) => {
    const asking = await asOperator(req as Request);
    parseBody(emptyDeadLetterBody, (await readJson(req))?.value);
    res.json(await stopReplays(asking, req.params.id));
  });
  app.get('/v1/ops/dead-letters/:id', async (req, res) => {
    res.json(await findDeadLetter(await asOperator(req), req.params.id));
  });
  for (const act of ['replay', 'discard', 'restore'] as const) {
    app.post(`/v1/ops/dead-letters/:id/${act}`, async (req: Request<{ id: string }>, res) => {
      const asking = await asOperator(req as Request);
      const body = parseBody(
        act === 'discard' ? discardDeadLetterBody : emptyDeadLetterBody,
        (await readJson(req))?.value,
      );
      res.json(await decideDeadLetter(asking, req.params.id, act, body));
    });
  }
}
