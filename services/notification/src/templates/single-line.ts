/** Foreign text for a header or one line of a plain mail: no line breaks and control characters, so that it cannot start a line of its own. */
export function singleLine(text: string): string {
  return text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
