/** One plot: a heading, the current values, and a chart of the past. */
import { createChart, type PlotDefinition } from './chart.js';
import { element, setAttribute, setText } from './elements.js';
import { moment, UNKNOWN } from './format.js';
import { type History, type RangeName, ranges } from './history.js';

/** What a plot shows above its chart. */
export interface Current {
  /** Current value of each curve, in the displayed unit. */
  readonly values: readonly (number | null)[];
  readonly detail: string;
}

export interface Plot {
  readonly root: HTMLElement;
  setCurrent(current: Current): void;
  setHistory(history: History, range: RangeName): void;
  /** Shows why there is no chart. */
  setMissing(reason: string): void;
  /** Draws again in other colours. */
  redraw(): void;
  destroy(): void;
}

type Columns = [times: number[], ...values: (number | null)[][]];

export function createPlot(definition: PlotDefinition): Plot {
  const { title, curves, format } = definition;
  const numbers = curves.map(() => element('span', { class: 'number' }, UNKNOWN));
  const detail = element('p', { class: 'detail' });
  const pointed = element('p', { class: 'pointed', 'aria-hidden': 'true' });
  const area = element('div', { class: 'area', role: 'img', 'aria-label': `${title}: no history yet` });
  const missing = element('p', { class: 'missing', hidden: '' });
  const root = element(
    'article',
    { class: curves.length > 1 ? 'card plot two' : 'card plot' },
    createHead(definition, numbers),
    detail,
    pointed,
    area,
    missing,
  );
  const chart = createChart(area, definition, point);
  let range: RangeName = '1h';
  let data: Columns = [[]];

  /** Shows the values at one time. */
  function point(index: number | undefined): void {
    const second = index === undefined ? undefined : data[0][index];
    root.classList.toggle('is-pointed', second !== undefined);
    if (second === undefined || index === undefined) return;
    const values = curves.map(({ label }, curve) => {
      const text = format(data[curve + 1]?.[index] ?? null);
      return curves.length > 1 ? `${label} ${text}` : text;
    });
    setText(pointed, `${moment(second * 1000, range === '1h' ? 'seconds' : 'dayAndClock')}  ${values.join('  ')}`);
  }

  return {
    root,
    setCurrent({ values, detail: text }) {
      for (const [index, number] of numbers.entries()) setText(number, format(values[index] ?? null));
      setText(detail, text);
    },
    setHistory(history, chosen) {
      range = chosen;
      data = columnsOf(history, definition);
      missing.hidden = true;
      area.classList.remove('is-empty');
      setAttribute(area, 'aria-label', describe(definition, data, range));
      chart.draw(data, range);
    },
    setMissing(reason) {
      setText(missing, reason);
      missing.hidden = false;
      area.classList.add('is-empty');
    },
    redraw: () => chart.redraw(),
    destroy() {
      chart.destroy();
      root.remove();
    },
  };
}

function createHead({ title, curves }: PlotDefinition, numbers: readonly HTMLElement[]): HTMLElement {
  const heading = element('h3', {}, title, ' ', element('span', { class: 'stale-badge' }, 'stale'));
  const readings = curves.map(({ label, colour }, index) => {
    const key = curves.length > 1 ? [element('span', { class: `key ${colour.slice(2)}` }, label)] : [];
    return element('span', { class: 'reading' }, ...key, numbers[index] as HTMLElement);
  });
  return element('div', { class: 'plot-head' }, heading, element('p', { class: 'now' }, ...readings));
}

/** Returns times, the values of each curve, and the minimum and maximum of each step if there is only one curve. */
function columnsOf(history: History, { curves, factor }: PlotDefinition): Columns {
  const names = curves.map(({ series }) => series);
  if (names.length === 1) names.push(`${names[0]}_min`, `${names[0]}_max`);
  const scaled = (name: string) => history.values(name).map((value) => (value === null ? null : value * factor));
  return [[...history.times], ...names.map(scaled)];
}

/** Returns what the chart shows in words, for screen readers. */
function describe({ title, curves, format }: PlotDefinition, data: Columns, range: RangeName): string {
  const parts = curves.map(({ label }, index) => {
    const values = (data[index + 1] ?? []).filter((value) => typeof value === 'number');
    if (values.length === 0) return `${label}: no data`;
    const extremes = `from ${format(Math.min(...values))} to ${format(Math.max(...values))}`;
    return curves.length > 1 ? `${label} ${extremes}` : extremes;
  });
  return `${title}, ${ranges[range].label}: ${parts.join('; ')}`;
}
