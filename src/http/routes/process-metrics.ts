/** Metrics of this process, by prom-client: processor time, memory, file descriptors, event loop, garbage collection. */
import type { MetricObjectWithValues, MetricValueWithName } from 'prom-client';
import type { MetricFamily, MetricSample, MetricType } from '../../model/metrics.js';
import { once } from '../once.js';
import { latePackage } from '../packages.js';

const loadPromClient = latePackage<typeof import('prom-client')>('prom-client');

/** Interval of prom-client's event loop monitor. Its default of 10 ms costs 5 ms of CPU per second, this one nothing. */
const LOOP_MONITOR_MS = 3_600_000;
/** Metrics of that monitor, which mean nothing then. The lag at the moment of the scrape remains. */
const OF_LOOP_MONITOR = /^nodejs_eventloop_lag_\w+_seconds$/;

/** Loaded on first use: prom-client takes 50 ms and 10 MB. */
const registry = once(async () => {
  const { Registry, collectDefaultMetrics } = loadPromClient();
  const created = new Registry();
  collectDefaultMetrics({ register: created, eventLoopMonitoringPrecision: LOOP_MONITOR_MS });
  return created;
});

/** Collects the current metrics. */
export async function processFamilies(): Promise<MetricFamily[]> {
  const metrics = await (await registry()).getMetricsAsJSON();
  return (metrics as unknown as Collected[]).filter(isWanted).map(toFamily);
}

/** A metric as prom-client returns it. */
type Collected = Omit<MetricObjectWithValues<MetricValueWithName<string>>, 'type'> & { readonly type: unknown };

/** Leaves out gauges named `_total`: they are sums of others, and both formats forbid the name. */
function isWanted({ name, type }: Collected): boolean {
  return !OF_LOOP_MONITOR.test(name) && !(type === 'gauge' && name.endsWith('_total'));
}

function toFamily({ name, help, type, values }: Collected): MetricFamily {
  const samples = values.map(({ labels, value, metricName = name }): MetricSample => {
    const entries = Object.entries(labels).map(([label, text]) => [label, label === 'le' ? bound(Number(text)) : String(text)]);
    return { labels: Object.fromEntries(entries), value, suffix: metricName.slice(name.length) };
  });
  return { name, help, type: type as MetricType, samples };
}

/** Formats the bound of a bucket, which has a decimal point in OpenMetrics. */
function bound(value: number): string {
  if (value === Number.POSITIVE_INFINITY || Number.isNaN(value)) return '+Inf';
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
