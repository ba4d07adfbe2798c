import { z } from 'zod';
import { invalid, noSuch, type Answer } from './answers.ts';
import type { Collection } from './collection.ts';
import type { PaymentIntent } from './objects.ts';
import { inRange, listParams, operation, type Operation } from './operation.ts';
import { showCharge } from './show-charge.ts';
import type { World } from './world.ts';

type ListQuery = z.infer<z.ZodObject<typeof listParams>>;

const listIntents = operation({
  method: 'get',
  path: '/payment_intents',
  params: z.strictObject(listParams),
  execute: ({ world, params }) =>
    page(
      '/v1/payment_intents',
      world.intents,
      params,
      () => true,
      (intent) => expanded(world, intent, params),
    ),
});

const CLAUSE = /^\s*(?:metadata\[(["'])([^"']+)\1\]|(status|currency))\s*:\s*(["'])([^"']*)\4\s*$/;

const searchIntents = operation({
  method: 'get',
  path: '/payment_intents/search',
  params: z.strictObject({ query: z.string().max(500), limit: listParams.limit, expand: listParams.expand }),
  execute({ world, params }) {
    const clauses = params.query.split(/\s+AND\s+/i).map((clause) => CLAUSE.exec(clause));
    if (clauses.some((clause) => clause === null)) {
      return invalid(
        "The simulator's search understands metadata['key']:'value', status:'…' and currency:'…', joined by AND.",
        { param: 'query' },
      );
    }
    const where = (intent: PaymentIntent): boolean =>
      clauses.every((clause) => {
        const [, , key, field, , value] = clause ?? [];
        const actual = key === undefined ? intent[field as 'status' | 'currency'] : intent.metadata[key];
        return actual === value;
      });
    const found = world.intents.page({ limit: params.limit, where }) ?? { data: [], has_more: false };
    const data = found.data.map((intent) => expanded(world, intent, params));
    return {
      status: 200,
      body: {
        object: 'search_result',
        url: '/v1/payment_intents/search',
        has_more: found.has_more,
        next_page: null,
        data,
      },
    };
  },
});

const retrieveCharge = operation({
  method: 'get',
  path: '/charges/:id',
  params: z.strictObject({}),
  execute({ world, id }) {
    const charge = world.charges.get(id);
    return charge ? { status: 200, body: showCharge(charge, []) } : noSuch('charge', id, 'id');
  },
});

const listRefunds = operation({
  method: 'get',
  path: '/refunds',
  params: z.strictObject({ ...listParams, payment_intent: z.string().optional(), charge: z.string().optional() }),
  execute({ world, params }) {
    const { payment_intent, charge } = params;
    return page('/v1/refunds', world.refunds, params, (refund) => {
      if (payment_intent !== undefined && refund.payment_intent !== payment_intent) return false;
      return charge === undefined || refund.charge === charge;
    });
  },
});

const retrieveEvent = operation({
  method: 'get',
  path: '/events/:id',
  params: z.strictObject({}),
  execute({ world, id }) {
    const event = world.events.get(id);
    return event ? { status: 200, body: event } : noSuch('event', id, 'id');
  },
});

const listEvents = operation({
  method: 'get',
  path: '/events',
  params: z.strictObject({
    ...listParams,
    type: z.string().optional(),
    types: z.array(z.string()).max(20).optional(),
    delivery_success: z.enum(['true', 'false']).optional(),
  }),
  execute({ world, params }) {
    const matches = (pattern: string, type: string): boolean =>
      pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
    return page('/v1/events', world.events, params, (event) => {
      if (params.type !== undefined && !matches(params.type, event.type)) return false;
      if (params.types !== undefined && !params.types.includes(event.type)) return false;
      if (params.delivery_success === undefined) return true;
      return (params.delivery_success === 'true') === !world.callbacks.has(event.id);
    });
  },
});

/** The search comes before anything with `:id`, which would take its name for an id. */
export const readOperations: readonly Operation[] = [
  searchIntents,
  listIntents,
  retrieveCharge,
  listRefunds,
  retrieveEvent,
  listEvents,
];

function page<T extends { id: string; created: number }>(
  url: string,
  collection: Collection<T>,
  params: ListQuery,
  where: (object: T) => boolean,
  show: (object: T) => object = (object) => object,
): Answer {
  const { limit, starting_after, ending_before, created } = params;
  if (starting_after !== undefined && ending_before !== undefined) {
    return invalid('You may only specify one of these parameters: starting_after, ending_before.');
  }
  const found = collection.page({
    limit,
    starting_after,
    ending_before,
    where: (object) => inRange(object.created, created) && where(object),
  });
  if (!found) return invalid(`No such object: '${starting_after ?? ending_before}'`, { code: 'resource_missing' });
  return { status: 200, body: { object: 'list', url, has_more: found.has_more, data: found.data.map(show) } };
}

function expanded(world: World, intent: PaymentIntent, params: { expand?: readonly string[] | undefined }): object {
  const { expand } = params;
  if (!expand?.some((path) => path.startsWith('data.latest_charge')) || intent.latest_charge === null) return intent;
  const charge = world.charges.get(intent.latest_charge);
  return { ...intent, latest_charge: charge ? showCharge(charge, expand) : null };
}
