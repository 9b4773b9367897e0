/** One plot: a heading, the value of now, and the curve of the past (uPlot). */
import type uPlot from 'uplot';
import { element, setAttribute, setText } from './elements.js';
import { moment, UNKNOWN } from './format.js';
import { type History, type RangeName, ranges } from './history.js';

declare global {
  interface Window {
    /** A classic script of its own, before ours. */
    readonly uPlot: typeof uPlot;
  }
}

export interface Curve {
  readonly series: string;
  readonly label: string;
  /** A custom property of the style. */
  readonly colour: '--data-1' | '--data-2';
}

export interface PlotDefinition {
  readonly title: string;
  readonly curves: readonly Curve[];
  /** From the service's unit to that which is shown. */
  readonly factor: number;
  readonly format: (value: number | null) => string;
  readonly formatAxis: (value: number) => string;
  /** Least and greatest value of the axis for those of the data, in the unit that is shown. */
  readonly axis: (least: number, greatest: number) => [number, number];
}

export interface Plot {
  readonly root: HTMLElement;
  /** Says the value of now, of each curve. */
  setNow(values: readonly (number | null)[], detail: string): void;
  setHistory(history: History, range: RangeName): void;
  /** Says why there is no curve. */
  setMissing(reason: string): void;
  redraw(): void;
  destroy(): void;
}

const AXIS_PX = 50;
/** A service that has just begun fills its plots from left to right, but not with a single step. */
const LEAST_STEPS = 60;
/** Plots with the same key show the same moment under the pointer. */
const SYNC = 'moment';

export function createPlot({ title, curves, factor, format, formatAxis, axis }: PlotDefinition): Plot {
  const heading = element('h3', {}, title, ' ', element('span', { class: 'stale-badge' }, 'stale'));
  const numbers = curves.map(() => element('span', { class: 'number' }, UNKNOWN));
  const now = element(
    'p',
    { class: 'now' },
    ...curves.map(({ label, colour }, index) => {
      const key = element('span', { class: `key ${colour.slice(2)}` }, curves.length > 1 ? label : '');
      return element('span', { class: 'reading' }, ...(curves.length > 1 ? [key] : []), numbers[index] as HTMLElement);
    }),
  );
  const detail = element('p', { class: 'detail' });
  const pointed = element('p', { class: 'pointed', 'aria-hidden': 'true' });
  const area = element('div', { class: 'area', role: 'img', 'aria-label': `${title}: no history yet` });
  const missing = element('p', { class: 'missing', hidden: '' });
  const root = element(
    'article',
    { class: curves.length > 1 ? 'card plot two' : 'card plot' },
    element('div', { class: 'plot-head' }, heading, now),
    detail,
    pointed,
    area,
    missing,
  );

  let plot: uPlot | undefined;
  let range: RangeName = '1h';
  let data: uPlot.AlignedData = [[]];

  const colour = (name: string) => getComputedStyle(root).getPropertyValue(name).trim();

  function options(size: { width: number; height: number }): uPlot.Options {
    const mean = (curve: Curve): uPlot.Series => ({
      label: curve.label,
      stroke: () => colour(curve.colour),
      ...(curves.length > 1 ? { fill: () => `${colour(curve.colour)}14` } : {}),
      width: 1.75,
      points: { show: false },
    });
    const edge: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false } };
    const single = curves.length === 1 ? curves[0] : undefined;
    const font = `11px ${getComputedStyle(root).fontFamily}`;
    return {
      ...size,
      padding: [8, 4, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: SYNC }, points: { size: 7 } },
      scales: {
        x: { time: true, range: (_, oldest, newest) => [newest - shownSeconds(newest - oldest, range), newest] },
        y: { range: (_, least, greatest) => axis(least ?? 0, greatest ?? 0) },
      },
      axes: [
        {
          stroke: () => colour('--muted'),
          grid: { show: false },
          ticks: { show: false },
          size: 24,
          gap: 4,
          space: 64,
          font,
          values: (_, splits) => splits.map((second) => moment(second * 1000, range === '7d' ? 'day' : 'clock')),
          ...(range === '7d' ? { incrs: [86_400] } : {}),
        },
        {
          stroke: () => colour('--muted'),
          grid: { stroke: () => colour('--line'), width: 1 },
          ticks: { show: false },
          size: AXIS_PX,
          gap: 4,
          space: 34,
          font,
          values: (_, splits) => splits.map(formatAxis),
        },
      ],
      series: single ? [{}, mean(single), edge, edge] : [{}, ...curves.map(mean)],
      // between the least and the greatest of each step
      ...(single && { bands: [{ series: [3, 2] as [number, number], fill: () => `${colour(single.colour)}2e` }] }),
      hooks: { setCursor: [point] },
    };
  }

  function point({ cursor: { idx } }: uPlot): void {
    const second = idx === null || idx === undefined ? undefined : data[0][idx];
    root.classList.toggle('is-pointed', second !== undefined);
    if (second === undefined || idx === null || idx === undefined) return;
    const values = curves.map(({ label }, index) => {
      const text = format(data[index + 1]?.[idx] ?? null);
      return curves.length > 1 ? `${label} ${text}` : text;
    });
    setText(pointed, `${moment(second * 1000, range === '1h' ? 'seconds' : 'dayAndClock')}  ${values.join('  ')}`);
  }

  /** The space for it: the area without its padding. */
  function measure(): { width: number; height: number } {
    const padding = Number.parseFloat(getComputedStyle(area).paddingTop) || 0;
    return { width: Math.floor(area.clientWidth), height: Math.floor(area.clientHeight - padding) };
  }

  function draw(): void {
    const size = measure();
    if (size.width < 60 || data[0].length === 0) return;
    if (plot) plot.setData(data);
    else plot = new window.uPlot(options(size), data, area);
  }

  const resizing = new ResizeObserver(() => {
    const size = measure();
    if (plot && size.width >= 60) plot.setSize(size);
    else draw();
  });
  resizing.observe(area);

  function describe(): string {
    const parts = curves.map(({ label }, index) => {
      const values = (data[index + 1] ?? []).filter((value) => typeof value === 'number');
      if (values.length === 0) return `${label}: nothing known`;
      const extremes = `from ${format(Math.min(...values))} to ${format(Math.max(...values))}`;
      return curves.length > 1 ? `${label} ${extremes}` : extremes;
    });
    return `${title}, ${ranges[range].label}: ${parts.join('; ')}`;
  }

  return {
    root,
    setNow(values, text) {
      for (const [index, number] of numbers.entries()) setText(number, format(values[index] ?? null));
      setText(detail, text);
    },
    setHistory(history, chosen) {
      if (chosen !== range) {
        plot?.destroy();
        plot = undefined;
        range = chosen;
      }
      const scaled = (name: string) => history.values(name).map((value) => (value === null ? null : value * factor));
      const single = curves.length === 1 ? curves[0] : undefined;
      const lines = curves.map(({ series }) => scaled(series));
      data = [[...history.times], ...lines, ...(single ? [scaled(`${single.series}_min`), scaled(`${single.series}_max`)] : [])];
      missing.hidden = true;
      area.classList.remove('is-empty');
      setAttribute(area, 'aria-label', describe());
      draw();
    },
    setMissing(reason) {
      setText(missing, reason);
      missing.hidden = false;
      area.classList.add('is-empty');
    },
    redraw: () => plot?.redraw(false, true),
    destroy() {
      resizing.disconnect();
      plot?.destroy();
      root.remove();
    },
  };
}

/** @param known seconds from the oldest to the newest value */
function shownSeconds(known: number, range: RangeName): number {
  const { spanSeconds, stepSeconds } = ranges[range];
  return Math.min(spanSeconds, Math.max(known, LEAST_STEPS * stepSeconds));
}
