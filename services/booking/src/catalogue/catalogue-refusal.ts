import { Problem, type FieldError } from '@holdfast/shared/problems';

/** Why an object cannot be created although its body has the right shape. Nothing was written. */
export type CatalogueRefusal =
  | { readonly refused: 'venue_unknown' }
  | { readonly refused: 'venue_archived' }
  | { readonly refused: 'hall_unknown' }
  | { readonly refused: 'hall_archived' }
  | { readonly refused: 'hall_elsewhere' }
  | { readonly refused: 'currency_differs'; readonly expected: string }
  | { readonly refused: 'category_without_price'; readonly categories: readonly string[] };

/** The refusal as the client gets it: 422 with a pointer to the field that must change. */
export function toProblem(refusal: CatalogueRefusal): Problem {
  return new Problem('validation_failed', { errors: toFieldErrors(refusal) });
}

function toFieldErrors(refusal: CatalogueRefusal): FieldError[] {
  const at = (pointer: string, message: string) => [{ pointer, code: refusal.refused, message }];
  switch (refusal.refused) {
    case 'venue_unknown':
      return at('/venue_id', 'there is no such venue');
    case 'venue_archived':
      return at('/venue_id', 'this venue is archived');
    case 'hall_unknown':
      return at('/hall_id', 'there is no such hall');
    case 'hall_archived':
      return at('/hall_id', 'this hall is archived');
    case 'hall_elsewhere':
      return at('/hall_id', 'this hall belongs to another venue');
    case 'currency_differs':
      return at('/price_per_slot/currency', `must be the currency of the venue, ${refusal.expected}`);
    case 'category_without_price':
      return refusal.categories.flatMap((category) => at('/prices', `the hall's category ${category} has no price`));
    default:
      return refusal satisfies never;
  }
}
