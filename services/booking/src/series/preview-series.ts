import type { SeriesInput, SeriesPreviewJson } from '@holdfast/shared/contracts/series';
import type { Pool } from '@holdfast/shared/db/pool';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { toMoneyJson } from '@holdfast/shared/money';
import type { PlatformFee } from '../pricing/platform-fee-rules.ts';
import { planSeries } from './plan-series.ts';
import { toVerdictsJson } from './series-json.ts';

/** A verdict for each occurrence of a series that somebody thinks of. Nothing is held. @throws Problem as `planSeries`. */
export async function previewSeries(
  pool: Pool,
  caller: SignedInCaller,
  input: SeriesInput,
  fee: PlatformFee,
): Promise<SeriesPreviewJson> {
  const plan = await planSeries(pool, input, caller.userId, fee);
  const { currency, rules } = plan.resource;
  const amount = plan.occurrences.reduce((sum, one) => sum + (one.verdict === 'free' ? one.price.amount : 0n), 0n);
  return {
    object: 'series_preview',
    resource_id: input.resource_id,
    time_zone: rules.timeZone,
    price: toMoneyJson({ amount, currency }),
    ...toVerdictsJson(plan),
  };
}
