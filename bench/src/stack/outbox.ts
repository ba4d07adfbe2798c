import type pg from 'pg';

const LIMIT_MS = 120_000;

/** Resolves when booking has published everything. @throws when that takes more than two minutes. */
export async function untilOutboxIsEmpty(admin: pg.Client): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const { rows } = await admin.query<{ waiting: boolean }>(
      `select exists (select from booking.outbox where published_at is null)
           or exists (select from booking.expiries_to_tell) as waiting`,
    );
    if (rows[0]?.waiting === false) return;
    if (Date.now() > deadline) throw new Error(`the outbox is not empty after ${LIMIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const UNDER_WAY = `
select exists (select from booking.outbox where published_at is null)
    or exists (select from payment.outbox where published_at is null)
    or exists (select from payment.operations where state in ('WAITING', 'DUE'))
    or exists (select from booking.checkout_sagas where state in ('AUTHORISING', 'CAPTURING', 'LAPSING', 'VOIDING', 'REFUNDING'))
    or exists (select from payment.provider_events where state = 'RECEIVED') as waiting`;

/** Resolves when nothing is under way between booking, payment and the provider. @throws when that takes more than two minutes. */
export async function untilPaymentsAreQuiet(admin: pg.Client): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const { rows } = await admin.query<{ waiting: boolean }>(UNDER_WAY);
    if (rows[0]?.waiting === false) return;
    if (Date.now() > deadline) throw new Error(`payments are still under way after ${LIMIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
