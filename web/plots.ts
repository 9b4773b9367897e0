/** The plots: processor, temperature, memory, and the traffic of the uplink and of each access point. */
import { byId, setAttribute } from './elements.js';
import { bitsPerSecond, bytes, celsius, duration, percent } from './format.js';
import { createHistory, type History, type HistorySource, type RangeName, ranges, seriesNames } from './history.js';
import { accessPointsOf, type Documents, type System } from './model.js';
import { createPlot, type Plot, type PlotDefinition } from './plot.js';

/** A new row comes each step, but nobody needs to see those of a day within the second. */
const LEAST_REFRESH_MS = 5_000;
const MOST_REFRESH_MS = 60_000;
const RELEARN_MS = 30_000;
/** Those of a machine with many networks would push everything else off the page. */
const MOST_LINKS = 6;
/** How the names of their plots begin. */
const LINK = 'link ';

interface Entry {
  readonly plot: Plot;
  readonly series: readonly string[];
  /** Collectors that it shows values of. */
  readonly collectors: readonly string[];
  now(documents: Partial<Documents>): void;
}

export interface Plots {
  /** Shows what is known now, and which networks there are. */
  update(documents: Partial<Documents>): void;
  /** Asks for history, or stops to, as the connection comes and goes. */
  setLive(live: boolean): void;
  /** Plots with the collectors whose values they show. */
  parts(): readonly { readonly root: HTMLElement; readonly collectors: readonly string[] }[];
}

/** @param serverNowMs what the clock of the service says, by which its history goes */
export function createPlots(key: string, serverNowMs: () => number): Plots {
  const [hostGrid, linkGrid] = [byId('host-plots'), byId('link-plots')];
  const entries = new Map<string, Entry>();
  let range: RangeName = '1h';
  let source: HistorySource | undefined;
  let history: History | undefined;
  let available: readonly string[] | undefined;
  let learnedAtMs = 0;
  let live = false;
  let timer = 0;
  let turn = 0;

  function add(
    name: string,
    definition: PlotDefinition,
    collectors: readonly string[],
    now: (plot: Plot, documents: Partial<Documents>) => void,
  ) {
    if (entries.has(name)) return;
    const plot = createPlot(definition);
    (name.startsWith(LINK) ? linkGrid : hostGrid).append(plot.root);
    const series = definition.curves.map((curve) => curve.series);
    entries.set(name, { plot, series, collectors, now: (documents) => now(plot, documents) });
    // what is asked for is more from now on, and an interface that came may have series of its own
    available = undefined;
    restart();
  }

  /** Asks for all anew; what is under way no longer counts. */
  function restart(): void {
    turn++;
    source = undefined;
    schedule(0);
  }

  async function refresh(): Promise<void> {
    if (entries.size === 0) return;
    const mine = ++turn;
    try {
      const all = [...entries.values()].flatMap(({ series }) => series);
      const isMissing = (name: string) => !available?.includes(name);
      // A series begins with its first value, which may be later than the page.
      if (!available || (all.some(isMissing) && performance.now() - learnedAtMs > RELEARN_MS)) {
        const before = all.filter((name) => !isMissing(name)).length;
        available = await seriesNames(key, serverNowMs());
        learnedAtMs = performance.now();
        if (all.filter((name) => !isMissing(name)).length !== before) source = undefined;
      }
      const wanted = all.filter((name) => !isMissing(name));
      const asked = source ?? createHistory(key, wanted, ranges[range]);
      const got = wanted.length > 0 ? await asked.refresh(serverNowMs()) : undefined;
      if (mine !== turn) return;
      source = asked;
      history = got;
      show();
    } catch (error) {
      if (mine !== turn) return;
      available = undefined;
      source = undefined;
      // A curve that does not grow for a moment is better than none; what is lost for good, the banner tells.
      if (!history)
        for (const { plot } of entries.values()) plot.setMissing(`No history: ${error instanceof Error ? error.message : String(error)}`);
    }
    const stepMs = ranges[range].stepSeconds * 1000;
    schedule(Math.min(Math.max(stepMs, LEAST_REFRESH_MS), MOST_REFRESH_MS));
  }

  function show(): void {
    for (const { plot, series } of entries.values()) {
      if (!series.some((name) => available?.includes(name))) plot.setMissing('No history of this yet.');
      else if (history && history.times.length < 2) plot.setMissing('The curve begins in a few seconds.');
      else if (history) plot.setHistory(history, range);
    }
  }

  function schedule(waitMs: number): void {
    window.clearTimeout(timer);
    if (live) timer = window.setTimeout(refresh, waitMs);
  }

  const buttons = [...document.querySelectorAll<HTMLButtonElement>('button[data-range]')];
  for (const button of buttons) {
    button.addEventListener('click', () => {
      range = button.dataset.range as RangeName;
      for (const other of buttons) setAttribute(other, 'aria-pressed', String(other === button));
      history = undefined;
      restart();
    });
  }
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const { plot } of entries.values()) plot.redraw();
  });

  function addHost(system: System): void {
    add('cpu', cpu, ['cpu', 'load'], (plot, { system }) => {
      if (!system) return;
      const { load, processorCount } = system;
      const loads = [load.load1, load.load5, load.load15].map((value) => value.toFixed(2)).join(' · ');
      plot.setNow(
        [system.cpu ? nullable(system.cpu.busyRatio, 100) : null],
        `Load ${loads} on ${processorCount} ${processorCount === 1 ? 'core' : 'cores'}`,
      );
    });
    if (system.systemTemperature !== null) {
      add('temperature', temperature, ['thermal'], (plot, { system }) => {
        if (system) plot.setNow([system.systemTemperature], heat(system));
      });
    }
    add('memory', memory, ['memory'], (plot, { system }) => {
      if (!system) return;
      const { totalBytes, availableBytes } = system.memory;
      plot.setNow([system.usedMemory], `${bytes(totalBytes - availableBytes)} of ${bytes(totalBytes)} in use`);
    });
  }

  function addLinks({ networking, ap }: Partial<Documents>): void {
    const accessPoints = ap ? accessPointsOf(ap) : [];
    const uplinks = [...new Set(networking?.uplinks ?? [])].map((name) => ({ name, title: `Uplink · ${name}`, uplink: true }));
    const own = accessPoints
      .filter(
        (row) => !uplinks.some(({ name }) => name === row.interface) && networking && Object.hasOwn(networking.interfaces, row.interface),
      )
      .map((row) => ({ name: row.interface, title: row.ssid ? `${row.ssid} · ${row.interface}` : row.interface, uplink: false }));
    const wanted = [...uplinks, ...own].slice(0, MOST_LINKS);
    const ids = new Map(wanted.map((link) => [`${LINK}${JSON.stringify(link)}`, link]));
    for (const [id, { plot }] of entries) {
      if (!id.startsWith(LINK) || ids.has(id)) continue;
      plot.destroy();
      entries.delete(id);
    }
    for (const [id, { name, title, uplink }] of ids) {
      const [down, up] = uplink ? (['rx', 'tx'] as const) : (['tx', 'rx'] as const);
      add(id, link(title, `${down}_bytes_per_second:${name}`, `${up}_bytes_per_second:${name}`), ['traffic'], (plot, { networking }) => {
        const traffic = networking && Object.hasOwn(networking.throughput, name) ? networking.throughput[name] : undefined;
        const { RX_bytes_per_second: rx = null, TX_bytes_per_second: tx = null, RX_bytes, TX_bytes } = traffic ?? {};
        const [downNow, upNow, downAll, upAll] = uplink ? [rx, tx, RX_bytes, TX_bytes] : [tx, rx, TX_bytes, RX_bytes];
        const soFar = traffic ? `${bytes(downAll)} down, ${bytes(upAll)} up so far` : 'No counters';
        plot.setNow([nullable(downNow, 8), nullable(upNow, 8)], soFar);
      });
    }
  }

  return {
    update(documents) {
      if (documents.system) addHost(documents.system);
      if (documents.networking && documents.ap) addLinks(documents);
      for (const { now } of entries.values()) now(documents);
    },
    setLive(now) {
      live = now;
      if (now) available = undefined;
      schedule(0);
    },
    parts: () => [...entries.values()].map(({ plot, collectors }) => ({ root: plot.root, collectors })),
  };
}

function nullable(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

function heat({ power, time }: System): string {
  if (power?.throttled) return 'The processor is throttled now';
  if (power?.softTemperatureLimit) return 'The soft temperature limit is reached';
  if (power?.frequencyCapped) return 'The frequency is capped now';
  if (power?.sinceBoot.throttled) return `Was throttled in the ${duration(time.uptimeSeconds)} since it started`;
  return power?.throttled === false ? 'Not throttled' : 'Of the processor';
}

const share = (value: number | null) => percent(value === null ? null : value / 100);

const cpu: PlotDefinition = {
  title: 'Processor',
  curves: [{ series: 'cpu_busy_ratio', label: 'Busy', colour: '--data-1' }],
  factor: 100,
  format: share,
  formatAxis: (value) => `${value} %`,
  axis: () => [0, 100],
};

const memory: PlotDefinition = { ...cpu, title: 'Memory', curves: [{ series: 'memory_used_ratio', label: 'Used', colour: '--data-1' }] };

const temperature: PlotDefinition = {
  title: 'Temperature',
  curves: [{ series: 'temperature_celsius', label: 'Temperature', colour: '--data-1' }],
  factor: 1,
  format: celsius,
  formatAxis: (value) => `${value} °C`,
  // At least 20 degrees: the noise of a sensor should not look like a fire.
  axis: (least, greatest) => {
    const low = Math.floor((least - 3) / 10) * 10;
    return [low, Math.max(low + 20, Math.ceil((greatest + 3) / 10) * 10)];
  },
};

function link(title: string, down: string, up: string): PlotDefinition {
  return {
    title,
    curves: [
      { series: down, label: 'Down', colour: '--data-1' },
      { series: up, label: 'Up', colour: '--data-2' },
    ],
    factor: 8,
    format: bitsPerSecond,
    formatAxis: (value) => bitsPerSecond(value).replace('bit/s', ''),
    axis: (_, greatest) => [0, Math.max(10_000, greatest * 1.15)],
  };
}
