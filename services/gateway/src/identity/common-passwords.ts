import { dictionary } from '@zxcvbn-ts/language-common';

/** How far down the list of common passwords two of them put together are still tried by everybody. */
const TOP = 3_000;

const common = new Set(dictionary['passwords-common'].map((password) => password.toLowerCase()));
const top = new Set(dictionary['passwords-common'].slice(0, TOP).map((password) => password.toLowerCase()));

/**
 * Whether a password is among the first that are tried (ASVS 6.2.4): one of 49,000 that leaks are full of, one of them repeated, or two
 * of the 3,000 most common ones in a row, with or without a sign between them. Capitals make no difference.
 */
export function isCommonPassword(password: string): boolean {
  const text = password.normalize('NFKC').toLowerCase();
  if (new Set(text).size <= 2 || common.has(text)) return true;
  if (isRun(text)) return true;
  for (let cut = 1; cut < text.length; cut++) {
    const head = text.slice(0, cut);
    if (top.has(head) && (top.has(text.slice(cut)) || (isSign(text[cut]!) && top.has(text.slice(cut + 1)))))
      return true;
    if (common.has(head) && isRepeated(text, cut)) return true;
  }
  return false;
}

/** A text that is its first `length` characters over and over. */
function isRepeated(text: string, length: number): boolean {
  return text.length % length === 0 && text.slice(0, length).repeat(text.length / length) === text;
}

/** Characters that follow each other in Unicode, up or down: 123456789012 begins anew after 9. */
function isRun(text: string): boolean {
  return [1, -1].some((step) =>
    [...text].every((character, index) => {
      if (index === 0) return true;
      const [before, now] = [text.charCodeAt(index - 1), text.charCodeAt(index)];
      return now === before + step || (/\d/.test(character) && (now - before + 10) % 10 === (step + 10) % 10);
    }),
  );
}

function isSign(character: string): boolean {
  return /^[\p{P}\p{S}]$/u.test(character);
}
