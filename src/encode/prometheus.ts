/**
 * Metrics as text: Prometheus 0.0.4, prometheus.io/docs/instrumenting/exposition_formats, and OpenMetrics 1.0, its successor.
 * Without time stamps: what is exposed is what is so now.
 */
import type { MetricFamily, MetricSample } from '../metrics.js';

/** The two formats, by what they are called in `Accept`. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

export const METRICS_CONTENT_TYPE: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** What ends an exposition; OpenMetrics has a mark for it, so that a part of one is not taken for all. */
export const METRICS_END: Readonly<Record<MetricsFormat, string>> = { prometheus: '', openmetrics: '# EOF\n' };

/** Units that OpenMetrics knows of as such: they must end the family's name. */
const UNITS = ['seconds', 'bytes', 'ratio', 'celsius', 'volts', 'hertz'];

/** Series of a family, and what stands above them in each format: the series are the same in both. */
export interface RenderedFamily {
  readonly name: string;
  readonly head: Readonly<Record<MetricsFormat, string>>;
  readonly series: string;
}

/** Renders families; those without a series are left out. */
export function renderFamilies(families: readonly MetricFamily[]): RenderedFamily[] {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map((family) => ({
      name: family.name,
      head: { prometheus: prometheusHead(family), openmetrics: openMetricsHead(family) },
      series: family.samples.map((sample) => `${family.name}${renderLabels(sample)} ${renderValue(sample.value)}\n`).join(''),
    }));
}

/** Joins what was rendered. */
export function joinFamilies(families: readonly RenderedFamily[], format: MetricsFormat): string {
  return families.map(({ head, series }) => head[format] + series).join('');
}

function prometheusHead({ name, help, type }: MetricFamily): string {
  // Info is a type of OpenMetrics alone.
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type === 'info' ? 'gauge' : type}\n`;
}

function openMetricsHead({ name, help, type }: MetricFamily): string {
  // A counter's family has no _total in its name, an info's no _info.
  const family = name.replace(type === 'counter' ? /_total$/ : type === 'info' ? /_info$/ : /$^/, '');
  const unit = type === 'info' ? undefined : UNITS.find((known) => family.endsWith(`_${known}`));
  return `# HELP ${family} ${escapeLabel(help)}\n# TYPE ${family} ${type}\n${unit ? `# UNIT ${family} ${unit}\n` : ''}`;
}

function renderLabels({ labels = {} }: MetricSample): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Numbers as Go's strconv and both formats have them. */
function renderValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

const LABEL_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** Backslash, quote and line feed; anything else may stand as it is. */
function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (char) => LABEL_ESCAPES[char] ?? char);
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, (char) => LABEL_ESCAPES[char] ?? char);
}
