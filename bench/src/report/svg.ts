import type { BenchResult } from './result.ts';

const WIDTH = 760;
const BAR_HEIGHT = 26;
const GAP = 14;
const LEFT = 270;
const RIGHT = 90;

/** A bar for each line, with a mark for each round, and what it was measured on below. */
export function toSvg(result: BenchResult): string {
  const most = Math.max(1, ...result.lines.flatMap(({ samples }) => samples.map(({ perSecond }) => perSecond)));
  const scale = (value: number) => (value / most) * (WIDTH - LEFT - RIGHT);
  const top = 44;
  const bars = result.lines.map((line, index) => {
    const y = top + index * (BAR_HEIGHT + GAP);
    const middle = y + BAR_HEIGHT / 2 + 5;
    const marks = line.samples.map(({ perSecond }) => {
      const x = (LEFT + scale(perSecond)).toFixed(1);
      return `<line x1="${x}" y1="${y - 3}" x2="${x}" y2="${y + BAR_HEIGHT + 3}" class="mark"/>`;
    });
    return [
      `<text x="${LEFT - 10}" y="${middle}" text-anchor="end">${escape(line.label)}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${scale(line.perSecond).toFixed(1)}" height="${BAR_HEIGHT}" class="bar"/>`,
      ...marks,
      `<text x="${LEFT + scale(most) + 10}" y="${middle}">${Math.round(line.perSecond)}</text>`,
    ].join('\n');
  });
  const { machine, versions, postgres } = result.environment;
  const below = top + result.lines.length * (BAR_HEIGHT + GAP) + 20;
  const notes = [
    result.ratios.map(({ line, of, value }) => `${line} = ${value.toFixed(2)} × ${of}`).join(', '),
    `${result.startedAt.slice(0, 10)}, ${machine.cores} shared cores (${machine.cpu}), ${machine.memoryGiB} GiB, ` +
      `${result.settings.rounds} rounds of ${result.settings.seconds} s; bars are medians, marks single rounds`,
    `${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}; fsync ${postgres['fsync']}, synchronous_commit ${postgres['synchronous_commit']}`,
  ].filter((note) => note !== '');
  const height = below + notes.length * 18 + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
<style>text{font:13px system-ui,sans-serif;fill:#222}.note{font-size:11px;fill:#555}.bar{fill:#3b7dbd}.mark{stroke:#123;stroke-width:1.5}</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="16" y="24" style="font-weight:600">Operations per second</text>
${bars.join('\n')}
${notes.map((note, index) => `<text x="16" y="${below + index * 18}" class="note">${escape(note)}</text>`).join('\n')}
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
