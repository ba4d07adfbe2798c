import { PAGES, readPage } from './pages.ts';

/** A command as a page shows it, without the remark behind it. */
export interface ShownCommand {
  readonly page: string;
  readonly command: string;
}

const FIRST_WORDS = /^(npm|pnpm|npx|node|curl|infra\/\w+|\.ci\/\w+|nats|psql|docker|systemctl|[A-Z_][A-Z0-9_]*=\S+ )/;

/** Every command in a fenced block of every page. Continued lines are one command; output, SQL, JSON and trees of folders are none. */
export function shownCommands(): ShownCommand[] {
  return PAGES.flatMap((page) => commandsIn(readPage(page)).map((command) => ({ page, command })));
}

/** The commands in the fenced blocks of a text. In `sh` blocks every line is one; in blocks without a language only what begins like one. */
export function commandsIn(text: string): string[] {
  return [...text.matchAll(/^( *)```([a-z]*)\n([^]*?)^\1```$/gm)]
    .filter(([, , language]) => language === '' || language === 'sh')
    .flatMap(([, , language, body]) =>
      body!
        .replaceAll(/\\\n\s*/g, '')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('#'))
        .filter((line) => language === 'sh' || FIRST_WORDS.test(line))
        .map(withoutRemark),
    );
}

/** What stands behind `#`, or behind two spaces or more, is said to the reader. Quoted text is left as it is. */
function withoutRemark(line: string): string {
  return /["'`]/.test(line) ? line : line.replace(/\s+#.*$|\s{2,}.*$/, '');
}
