import { encodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';

/**
 * One page of the pages of several services, newest first: ids are in the order of time, so each service was asked for what is before
 * the cursor, and the newest of all answers are the page.
 */
export function mergePages<T extends { readonly id: string }>(
  pages: readonly { readonly data: readonly T[]; readonly has_more: boolean }[],
  limit: number,
): Page<T> {
  const items = pages.flatMap(({ data }) => data).sort((a, b) => (a.id < b.id ? 1 : -1));
  const page = toPage(
    items,
    limit,
    (item) => item,
    (item) => [item.id],
  );
  const hasMore = page.has_more || pages.some((each) => each.has_more);
  const last = page.data.at(-1);
  const next = page.next_cursor ?? (hasMore && last ? encodeCursor([last.id]) : null);
  return { ...page, has_more: hasMore, next_cursor: next };
}
