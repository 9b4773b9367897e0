/**
 * docs/benchmarks.md as text: a first part, then a section for each other Node that was measured. Every run replaces its own part and
 * keeps the others.
 */
import type { Row } from './row.js';

/** Rows by the name of the figure that measured them. */
export type Rows = ReadonlyMap<string, readonly Row[]>;

/** Maximum load average at the start. A run that starts with more is marked. */
export const MAX_LOAD = 0.5;

/** Returns the rows as a Markdown table. */
export function table(rows: Rows): string {
  const lines = [...rows].flatMap(([name, all]) =>
    all.map(({ figure, target, measured, details, met }) =>
      [figure, target ?? '–', measured, metText(met), details || '–', `\`${name}\``].join(' | '),
    ),
  );
  return ['figure | target | measured | met | details | name', '--- | --- | --- | --- | --- | ---', ...lines]
    .map((line) => `| ${line} |`)
    .join('\n');
}

function metText(met: Row['met']): string {
  if (met === null) return '–';
  if (met === 'unclear') return 'unclear';
  return met ? 'yes' : '**no**';
}

/** Returns the line about the load averages, marked if the machine was busy. */
export function loadLine(before: number, after: number): string {
  const line = `- Load average: ${before.toFixed(2)} before, ${after.toFixed(2)} after`;
  return before > MAX_LOAD ? `${line}.\n  **The machine was busy at the start, so these values are uncertain.**` : line;
}

/** Replaces the part above the sections. */
export function withFirstPart(document: string, text: string): string {
  return join(text, sectionsOf(document));
}

/** Replaces a section, or adds it in the order of titles. */
export function withSection(document: string, title: string, text: string): string {
  const sections = new Map(sectionsOf(document));
  sections.set(title, text);
  const first = document.split(/^## /m, 1)[0] ?? '';
  return join(
    first,
    [...sections].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function sectionsOf(document: string): [title: string, text: string][] {
  const [, ...sections] = document.split(/^## /m);
  return sections.map((section) => {
    const end = section.indexOf('\n');
    return [section.slice(0, end), section.slice(end)];
  });
}

function join(first: string, sections: readonly (readonly [title: string, text: string])[]): string {
  const parts = [first, ...sections.map(([title, text]) => `## ${title}\n\n${text.trim()}`)];
  return parts.flatMap((part) => (part.trim() ? [`${part.trim()}\n`] : [])).join('\n');
}
