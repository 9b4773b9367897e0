/** What this process says of itself, by prom-client: processor time, memory, file descriptors, event loop, garbage collection. */
import type { MetricObjectWithValues, MetricValueWithName } from 'prom-client';
import type { MetricFamily, MetricSample, MetricType } from '../../model/metrics.js';
import { latePackage } from '../packages.js';
import { once } from '../responses/resource.js';

const loadPromClient = latePackage<typeof import('prom-client')>('prom-client');

/** prom-client would have a timer of 10 ms measure the event loop, which costs 5 ms of CPU a second: so rarely that it costs nothing. */
const LOOP_MONITOR_MS = 3_600_000;
/** What would come of that timer; the lag at the moment of the scrape remains. */
const OF_LOOP_MONITOR = /^nodejs_eventloop_lag_\w+_seconds$/;

/** Loaded on first use: it takes 50 ms, and 10 MB. */
const registry = once(async () => {
  const { Registry, collectDefaultMetrics } = loadPromClient();
  const created = new Registry();
  collectDefaultMetrics({ register: created, eventLoopMonitoringPrecision: LOOP_MONITOR_MS });
  return created;
});

/** @returns families of this moment */
export async function processFamilies(): Promise<MetricFamily[]> {
  const metrics = await (await registry()).getMetricsAsJSON();
  return (metrics as unknown as Told[]).filter(isWanted).map(toFamily);
}

type Told = Omit<MetricObjectWithValues<MetricValueWithName<string>>, 'type'> & { readonly type: unknown };

/** Gauges called `_total` are sums of others, and against the rules of both formats. */
function isWanted({ name, type }: Told): boolean {
  return !OF_LOOP_MONITOR.test(name) && !(type === 'gauge' && name.endsWith('_total'));
}

function toFamily({ name, help, type, values }: Told): MetricFamily {
  const samples = values.map(({ labels, value, metricName = name }): MetricSample => {
    const entries = Object.entries(labels).map(([label, text]) => [label, label === 'le' ? bound(Number(text)) : String(text)]);
    return { labels: Object.fromEntries(entries), value, suffix: metricName.slice(name.length) };
  });
  return { name, help, type: type as MetricType, samples };
}

/** The bound of a bucket, which in OpenMetrics has a point. */
function bound(value: number): string {
  if (value === Number.POSITIVE_INFINITY || Number.isNaN(value)) return '+Inf';
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
