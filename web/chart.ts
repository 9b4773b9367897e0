/** The curves of one plot, drawn by uPlot. */
import type uPlot from 'uplot';
import { moment } from './format.js';
import { type RangeName, ranges } from './history.js';

declare global {
  interface Window {
    /** Set by a classic script that the page loads before its modules. */
    readonly uPlot: typeof uPlot;
  }
}

export interface Curve {
  readonly series: string;
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly colour: '--data-1' | '--data-2';
}

export interface PlotDefinition {
  readonly title: string;
  /** One curve, drawn with a band from the minimum to the maximum of each step, or several. */
  readonly curves: readonly Curve[];
  /** Converts the server's unit to the displayed unit. */
  readonly factor: number;
  readonly format: (value: number | null) => string;
  readonly formatAxis: (value: number) => string;
  /** Returns the ends of the axis for the minimum and maximum of the data, in the displayed unit. */
  readonly axis: (min: number, max: number) => [number, number];
}

export interface Chart {
  draw(data: uPlot.AlignedData, range: RangeName): void;
  /** Draws again in other colours. */
  redraw(): void;
  destroy(): void;
}

const AXIS_PX = 50;
/** Minimum steps that the time axis spans. A server that has just started fills its plots from left to right. */
const MIN_STEPS = 60;
/** Below this width nothing is drawn. */
const MIN_WIDTH_PX = 60;
/** Plots with the same key show the same time under the pointer. */
const SYNC = 'moment';

/** @param onPoint gets the index of the values under the pointer, or undefined when the pointer leaves */
export function createChart(area: HTMLElement, definition: PlotDefinition, onPoint: (index: number | undefined) => void): Chart {
  let plot: uPlot | undefined;
  let shownRange: RangeName = '1h';
  let shownData: uPlot.AlignedData = [[]];

  /** Returns the size of the area without its padding. */
  function measure(): { width: number; height: number } {
    const padding = Number.parseFloat(getComputedStyle(area).paddingTop) || 0;
    return { width: Math.floor(area.clientWidth), height: Math.floor(area.clientHeight - padding) };
  }

  function draw(): void {
    const size = measure();
    if (size.width < MIN_WIDTH_PX || shownData[0].length === 0) return;
    if (plot) plot.setData(shownData);
    else plot = new window.uPlot({ ...size, ...options(area, definition, shownRange, onPoint) }, shownData, area);
  }

  const resizing = new ResizeObserver(() => {
    const size = measure();
    if (plot && size.width >= MIN_WIDTH_PX) plot.setSize(size);
    else draw();
  });
  resizing.observe(area);

  return {
    draw(data, range) {
      if (range !== shownRange) {
        plot?.destroy();
        plot = undefined;
        shownRange = range;
      }
      shownData = data;
      draw();
    },
    redraw: () => plot?.redraw(false, true),
    destroy() {
      resizing.disconnect();
      plot?.destroy();
    },
  };
}

function options(
  area: HTMLElement,
  { curves, axis, formatAxis }: PlotDefinition,
  range: RangeName,
  onPoint: (index: number | undefined) => void,
): Omit<uPlot.Options, 'width' | 'height'> {
  const style = getComputedStyle(area);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const common = { stroke: () => colour('--muted'), ticks: { show: false }, gap: 4, font: `11px ${style.fontFamily}` };
  return {
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: SYNC }, points: { size: 7 } },
    scales: {
      x: { time: true, range: (_, oldest, newest) => [newest - shownSeconds(newest - oldest, range), newest] },
      y: { range: (_, min, max) => axis(min ?? 0, max ?? 0) },
    },
    axes: [
      {
        ...common,
        grid: { show: false },
        size: 24,
        space: 64,
        values: (_, splits) => splits.map((second) => moment(second * 1000, range === '7d' ? 'day' : 'clock')),
        ...(range === '7d' ? { incrs: [86_400] } : {}),
      },
      {
        ...common,
        grid: { stroke: () => colour('--line'), width: 1 },
        size: AXIS_PX,
        space: 34,
        values: (_, splits) => splits.map(formatAxis),
      },
    ],
    ...seriesOptions(curves, colour),
    hooks: { setCursor: [({ cursor: { idx } }) => onPoint(idx ?? undefined)] },
  };
}

function seriesOptions(curves: readonly Curve[], colour: (name: string) => string): Pick<uPlot.Options, 'series' | 'bands'> {
  const [first] = curves;
  const mean = ({ label, colour: name }: Curve): uPlot.Series => ({
    label,
    stroke: () => colour(name),
    ...(curves.length > 1 ? { fill: () => `${colour(name)}14` } : {}),
    width: 1.75,
    points: { show: false },
  });
  if (!first || curves.length > 1) return { series: [{}, ...curves.map(mean)] };
  const edge: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false } };
  return { series: [{}, mean(first), edge, edge], bands: [{ series: [3, 2], fill: () => `${colour(first.colour)}2e` }] };
}

/** @param known seconds from the oldest to the newest value */
function shownSeconds(known: number, range: RangeName): number {
  const { spanSeconds, stepSeconds } = ranges[range];
  return Math.min(spanSeconds, Math.max(known, MIN_STEPS * stepSeconds));
}
