/** The list of plots: processor, temperature, memory, and the traffic of the uplinks and access points. */
import type { PlotDefinition } from './chart.js';
import { bitsPerSecond, bytes, celsius, duration, percent } from './format.js';
import { type Ap, accessPointsOf, type Documents, type Networking, type System } from './model.js';
import type { Current } from './plot.js';

/** Maximum plots of traffic, so that a machine with many networks doesn't push everything else off the page. */
const MAX_LINKS = 6;

export interface ListedPlot {
  readonly id: string;
  /** Plots of traffic come and go with their interfaces. The others stay. */
  readonly group: 'machine' | 'traffic';
  readonly definition: PlotDefinition;
  /** Collectors of the values that the plot shows. */
  readonly collectors: readonly string[];
  /** Returns the current values, or undefined if the document hasn't arrived. */
  current(documents: Partial<Documents>): Current | undefined;
}

/** Returns the plots that a machine with these documents needs. */
export function plotsFor({ system, networking, ap }: Partial<Documents>): ListedPlot[] {
  return [...(system ? machinePlots(system) : []), ...(networking && ap ? trafficPlots(networking, ap) : [])];
}

function machinePlots({ systemTemperature }: System): ListedPlot[] {
  const plots = [processorPlot, ...(systemTemperature === null ? [] : [temperaturePlot]), memoryPlot];
  return plots.map(({ current, ...plot }) => ({
    ...plot,
    id: plot.definition.title,
    group: 'machine',
    current: ({ system }) => system && current(system),
  }));
}

interface MachinePlot extends Pick<ListedPlot, 'definition' | 'collectors'> {
  current(system: System): Current;
}

const ratio = {
  factor: 100,
  format: (value: number | null) => percent(value === null ? null : value / 100),
  formatAxis: (value: number) => `${value} %`,
  axis: (): [number, number] => [0, 100],
};

const processorPlot: MachinePlot = {
  definition: { title: 'Processor', curves: [{ series: 'cpu_busy_ratio', label: 'Busy', colour: '--data-1' }], ...ratio },
  collectors: ['cpu', 'load'],
  current({ cpu, load, processorCount }) {
    const loads = [load.load1, load.load5, load.load15].map((value) => value.toFixed(2)).join(' · ');
    return {
      values: [multiply(cpu?.busyRatio, 100)],
      detail: `Load ${loads} on ${processorCount} ${processorCount === 1 ? 'core' : 'cores'}`,
    };
  },
};

const temperaturePlot: MachinePlot = {
  definition: {
    title: 'Temperature',
    curves: [{ series: 'temperature_celsius', label: 'Temperature', colour: '--data-1' }],
    factor: 1,
    format: celsius,
    formatAxis: (value) => `${value} °C`,
    // Spans at least 20 degrees, so that the noise of a sensor doesn't look like a fire.
    axis: (min, max) => {
      const low = Math.floor((min - 3) / 10) * 10;
      return [low, Math.max(low + 20, Math.ceil((max + 3) / 10) * 10)];
    },
  },
  collectors: ['thermal'],
  current: (system) => ({ values: [system.systemTemperature], detail: throttling(system) }),
};

const memoryPlot: MachinePlot = {
  definition: { title: 'Memory', curves: [{ series: 'memory_used_ratio', label: 'Used', colour: '--data-1' }], ...ratio },
  collectors: ['memory'],
  current: ({ usedMemory, memory: { totalBytes, availableBytes } }) => ({
    values: [usedMemory],
    detail: `${bytes(totalBytes - availableBytes)} of ${bytes(totalBytes)} in use`,
  }),
};

function throttling({ power, time }: System): string {
  if (power?.throttled) return 'Processor throttled';
  if (power?.softTemperatureLimit) return 'Soft temperature limit reached';
  if (power?.frequencyCapped) return 'Processor frequency capped';
  if (power?.sinceBoot.throttled) return `Throttled at some point in the last ${duration(time.uptimeSeconds)}`;
  return power?.throttled === false ? 'Not throttled' : 'Processor temperature';
}

interface NetworkLink {
  readonly name: string;
  readonly title: string;
  readonly isUplink: boolean;
}

function trafficPlots({ uplinks, interfaces }: Networking, ap: Ap): ListedPlot[] {
  const up = [...new Set(uplinks)].map((name) => ({ name, title: `Uplink · ${name}`, isUplink: true }));
  const own = accessPointsOf(ap)
    .filter((row) => !uplinks.includes(row.interface) && Object.hasOwn(interfaces, row.interface))
    .map((row) => ({ name: row.interface, title: row.ssid ? `${row.ssid} · ${row.interface}` : row.interface, isUplink: false }));
  return [...up, ...own].slice(0, MAX_LINKS).map(trafficPlot);
}

/** An uplink receives what is downloaded. The interface of an access point sends it. */
function trafficPlot(link: NetworkLink): ListedPlot {
  const { name, title, isUplink } = link;
  const [down, up] = isUplink ? (['rx', 'tx'] as const) : (['tx', 'rx'] as const);
  return {
    id: JSON.stringify(link),
    group: 'traffic',
    definition: {
      title,
      curves: [
        { series: `${down}_bytes_per_second:${name}`, label: 'Down', colour: '--data-1' },
        { series: `${up}_bytes_per_second:${name}`, label: 'Up', colour: '--data-2' },
      ],
      factor: 8,
      format: bitsPerSecond,
      formatAxis: (value) => bitsPerSecond(value).replace('bit/s', ''),
      axis: (_, max) => [0, Math.max(10_000, max * 1.15)],
    },
    collectors: ['traffic'],
    current({ networking }) {
      const traffic = networking && Object.hasOwn(networking.throughput, name) ? networking.throughput[name] : undefined;
      if (!traffic) return { values: [null, null], detail: 'No traffic counters' };
      const received = { rate: traffic.RX_bytes_per_second, total: traffic.RX_bytes };
      const sent = { rate: traffic.TX_bytes_per_second, total: traffic.TX_bytes };
      const [downloaded, uploaded] = isUplink ? [received, sent] : [sent, received];
      return {
        values: [multiply(downloaded.rate, 8), multiply(uploaded.rate, 8)],
        detail: `${bytes(downloaded.total)} down, ${bytes(uploaded.total)} up in total`,
      };
    },
  };
}

function multiply(value: number | null | undefined, factor: number): number | null {
  return value === null || value === undefined ? null : value * factor;
}
