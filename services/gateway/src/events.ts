import type { SessionId } from './identity/user.ts';
import type { Role } from '@holdfast/shared/http/internal-assertion';
import type { UserId } from '@holdfast/shared/ids';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import type { Metrics } from '@holdfast/shared/telemetry/metrics';
import { Counter } from 'prom-client';

export type IdentityEvents = ReturnType<typeof createIdentityEvents>;

/** Why a request was not let in. Whether an account exists is none of them. */
export type RefusalReason =
  | 'two_authorization_headers'
  | 'token_too_long'
  | 'not_bearer'
  | 'token_invalid'
  | 'session_ended'
  | 'csrf'
  | 'invalid_credentials'
  | 'refresh_invalid'
  | 'refresh_reused'
  | 'mailed_token_invalid'
  | 'email_taken';

/** What happens around accounts, reported in one place: metrics with few labels, and log lines with ids. Addresses and tokens stay out. */
export function createIdentityEvents(metrics: Metrics, logger: Logger) {
  const refusals = new Counter({
    name: 'holdfast_identity_refusals_total',
    help: 'Requests that were not let in, by reason',
    labelNames: ['reason'] as const,
    registers: [metrics.registry],
  });
  return {
    refused(reason: RefusalReason): void {
      refusals.inc({ reason });
    },
    /** Two parties hold one refresh token: one of them stole it. */
    refreshReused(sessionId: SessionId | undefined): void {
      refusals.inc({ reason: 'refresh_reused' });
      logger.warn({ session_id: sessionId }, 'a refresh token was used twice; its session was ended');
    },
    roleChanged(userId: UserId, role: Role, actor: UserId): void {
      logger.info({ user_id: userId, role, actor }, 'role changed');
    },
    passwordReset(userId: UserId): void {
      logger.info({ user_id: userId }, 'password reset; all sessions of the user were ended');
    },
    signingKeyRotated(kid: string, actor: UserId): void {
      logger.info({ kid, actor }, 'a new signing key waits to sign');
    },
  };
}
