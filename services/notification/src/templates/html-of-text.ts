import { escapeHtml } from './escape-html.ts';

/** A line of facts as the templates write it: a label, a colon, and at least two blanks before its value. */
const FACT = /^([A-Z][A-Za-z]*): {2,}(\S.*)$/;

/**
 * The same mail as HTML: paragraphs where the text has empty lines, a table for lines of facts, and a link for each address that begins
 * with ours. Other addresses stay text: they came with a title or a reason that somebody else wrote.
 */
export function htmlOfText(text: string, options: { title: string; publicUrl: string }): string {
  const paragraphs = text.trim().split(/\n{2,}/);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(options.title)}</title></head>
<body style="font-family:sans-serif;line-height:1.4">
${paragraphs.map((paragraph) => paragraphHtml(paragraph, options.publicUrl)).join('\n')}
</body>
</html>
`;
}

function paragraphHtml(paragraph: string, publicUrl: string): string {
  const lines = paragraph.split('\n');
  const facts = lines.map((line) => FACT.exec(line)).filter((match) => match !== null);
  const others = lines.filter((line) => !FACT.test(line)).map((line) => withLinks(line, publicUrl));
  const rows = facts.map(
    ([, label, value]) =>
      `<tr><th align="left" style="padding:2px 16px 2px 0">${escapeHtml(label!)}</th><td>${escapeHtml(value!)}</td></tr>`,
  );
  return [
    ...(rows.length === 0
      ? []
      : [`<table role="presentation" style="border-collapse:collapse">\n${rows.join('\n')}\n</table>`]),
    ...(others.length === 0 ? [] : [`<p>${others.join('<br>\n')}</p>`]),
  ].join('\n');
}

function withLinks(line: string, publicUrl: string): string {
  return line
    .split(' ')
    .map((word) => {
      const html = escapeHtml(word);
      return word.startsWith(`${publicUrl}/`) ? `<a href="${html}">${html}</a>` : html;
    })
    .join(' ');
}
