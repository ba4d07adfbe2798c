import { Problem, type FieldError } from '@holdfast/shared/problems';

/** Why an object cannot be created although its body has the right shape. Nothing was written. */
export type CatalogueRefusal =
  | { readonly refused: 'venue_unknown' }
  | { readonly refused: 'venue_archived' }
  | { readonly refused: 'hall_unknown' }
  | { readonly refused: 'hall_archived' }
  | { readonly refused: 'hall_elsewhere' }
  | { readonly refused: 'currency_differs'; readonly expected: string }
  | { readonly refused: 'no_quoter' }
  | { readonly refused: 'category_without_price'; readonly categories: readonly string[] }
  | { readonly refused: 'unknown_seat'; readonly indexes: readonly number[] };

/** Why an object cannot be changed, archived or restored. Nothing was written. */
export type ChangeRefusal =
  | CatalogueRefusal
  | { readonly refused: 'not_found' }
  | { readonly refused: 'version_mismatch' }
  /** The object itself, or what it lies in. */
  | { readonly refused: 'archived'; readonly what: string }
  /** Of fields that cannot change, or not any more. */
  | { readonly refused: 'immutable'; readonly fields: readonly string[] }
  | { readonly refused: 'in_use'; readonly detail: string }
  | { readonly refused: 'event_cancelled' };

export function isRefusal(result: { readonly id: string } | ChangeRefusal): result is ChangeRefusal {
  return 'refused' in result;
}

/** The refusal as the client gets it; of a wrong value that is 422 with a pointer to the field that must change. */
export function toProblem(refusal: ChangeRefusal): Problem {
  switch (refusal.refused) {
    case 'not_found':
    case 'version_mismatch':
    case 'event_cancelled':
      return new Problem(refusal.refused);
    case 'archived':
      return new Problem('archived', { detail: `${refusal.what} is archived: restore it first` });
    case 'in_use':
      return new Problem('in_use', { detail: refusal.detail });
    case 'immutable':
      return new Problem('validation_failed', {
        errors: refusal.fields.map((field) => ({
          pointer: `/${field}`,
          code: 'immutable',
          message: 'cannot be changed',
        })),
      });
    default:
      return new Problem('validation_failed', { errors: toFieldErrors(refusal) });
  }
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
    case 'no_quoter':
      return at('/pricing', 'this installation has no pricing service to ask: see HOLDFAST_QUOTER_URL');
    case 'category_without_price':
      return refusal.categories.flatMap((category) => at('/prices', `the hall's category ${category} has no price`));
    case 'unknown_seat':
      return refusal.indexes.flatMap((index) => at(`/house_blocks/${index}`, 'the hall has no such seat'));
    default:
      return refusal satisfies never;
  }
}
