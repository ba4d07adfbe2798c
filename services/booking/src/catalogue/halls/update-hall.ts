import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { hallBody } from '@holdfast/shared/contracts/catalogue';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { ChangeRefusal } from '../catalogue-refusal.ts';
import { toHallJson, type HallJson } from './hall-json.ts';
import { countUpcomingEvents, keepPastRows, updateHallRow } from './hall-store.ts';

/**
 * Changes a hall. Its seats stay as they are while an event is to come: they are what it sells. Events of the past keep the seats
 * that they sold.
 */
export async function updateHall(
  tx: Tx,
  current: HallJson,
  input: z.output<typeof hallBody>,
): Promise<HallJson | ChangeRefusal> {
  if (!isDeepStrictEqual(input.rows, current.rows)) {
    const upcoming = await countUpcomingEvents(tx, current.id);
    if (upcoming > 0) return { refused: 'in_use', detail: `events to come in this hall: ${upcoming}` };
    await keepPastRows(tx, current.id);
  }
  const row = await updateHallRow(
    tx,
    {
      id: current.id,
      name: input.name,
      rows: input.rows,
      seatCount: input.rows.reduce((sum, { seats }) => sum + seats, 0),
    },
    current.version,
  );
  return row ? toHallJson(row) : { refused: 'version_mismatch' };
}
