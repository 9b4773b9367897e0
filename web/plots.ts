/** The plots on the page: adds and removes them, and gives them current values and history. */
import { byId, setAttribute } from './elements.js';
import type { History, RangeName } from './history.js';
import { createHistoryFeed } from './history-feed.js';
import type { Documents } from './model.js';
import { createPlot, type Plot } from './plot.js';
import { type ListedPlot, plotsFor } from './plot-list.js';

interface Entry {
  readonly listed: ListedPlot;
  readonly plot: Plot;
  readonly series: readonly string[];
}

export interface Plots {
  /** Shows current values, and adds and removes plots as interfaces come and go. */
  update(documents: Partial<Documents>): void;
  /** Starts and stops requests for history as the connection comes and goes. */
  setLive(live: boolean): void;
  /** Returns the plots with the collectors whose values they show. */
  parts(): readonly { readonly root: HTMLElement; readonly collectors: readonly string[] }[];
}

/** @param serverNowMs returns the time on the server's clock */
export function createPlots(key: string, serverNowMs: () => number): Plots {
  const grids = { machine: byId('machine-plots'), traffic: byId('link-plots') };
  const entries = new Map<string, Entry>();
  const feed = createHistoryFeed({
    key,
    serverNowMs,
    series: () => [...entries.values()].flatMap(({ series }) => series),
    onHistory(history, available, range) {
      for (const entry of entries.values()) showHistory(entry, history, available, range);
    },
    onFailure(reason) {
      for (const { plot } of entries.values()) plot.setMissing(`No history: ${reason}`);
    },
  });

  function add(listed: ListedPlot): void {
    if (entries.has(listed.id)) return;
    const plot = createPlot(listed.definition);
    grids[listed.group].append(plot.root);
    entries.set(listed.id, { listed, plot, series: listed.definition.curves.map(({ series }) => series) });
    feed.restart();
  }

  function removeExcept(wanted: ReadonlySet<string>): void {
    for (const [id, { listed, plot }] of entries) {
      if (listed.group !== 'traffic' || wanted.has(id)) continue;
      plot.destroy();
      entries.delete(id);
    }
  }

  onRangeClick((range) => feed.setRange(range));
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const { plot } of entries.values()) plot.redraw();
  });

  return {
    update(documents) {
      const listed = plotsFor(documents);
      removeExcept(new Set(listed.map(({ id }) => id)));
      for (const one of listed) add(one);
      for (const { listed, plot } of entries.values()) {
        const current = listed.current(documents);
        if (current) plot.setCurrent(current);
      }
    },
    setLive: (live) => feed.setLive(live),
    parts: () => [...entries.values()].map(({ plot, listed: { collectors } }) => ({ root: plot.root, collectors })),
  };
}

function showHistory({ plot, series }: Entry, history: History | undefined, available: readonly string[], range: RangeName): void {
  if (!series.some((name) => available.includes(name))) plot.setMissing('No history yet.');
  else if (history && history.times.length < 2) plot.setMissing('The graph starts in a few seconds.');
  else if (history) plot.setHistory(history, range);
}

function onRangeClick(choose: (range: RangeName) => void): void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>('button[data-range]')];
  for (const button of buttons) {
    button.addEventListener('click', () => {
      for (const other of buttons) setAttribute(other, 'aria-pressed', String(other === button));
      choose(button.dataset.range as RangeName);
    });
  }
}
