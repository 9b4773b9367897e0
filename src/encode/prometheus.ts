/**
 * Renders metrics as text: Prometheus 0.0.4, prometheus.io/docs/instrumenting/exposition_formats, and OpenMetrics 1.0, its successor.
 * Samples have no timestamps: they are current.
 */
import type { MetricFamily, MetricSample } from '../model/metrics.js';

/** The two formats. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

export const METRICS_CONTENT_TYPE: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The end of an exposition. OpenMetrics marks it, so that a reader notices a truncated one. */
export const METRICS_END: Readonly<Record<MetricsFormat, string>> = { prometheus: '', openmetrics: '# EOF\n' };

/** Units of OpenMetrics. The family's name must end with them. */
const UNITS = ['seconds', 'bytes', 'ratio', 'celsius', 'volts', 'hertz'];

/** The lines above the series of a family. */
type Head = Readonly<Record<MetricsFormat, string>>;

/**
 * Series of a family, which are the same in both formats, and the lines above them in each. Objects instead of tuples would take three
 * times as long from thread to thread.
 */
export type RenderedFamily = readonly [name: string, prometheusHead: string, openMetricsHead: string, series: string];

/** Renders families, except those without a series. */
export function renderFamilies(families: readonly MetricFamily[]): RenderedFamily[] {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map((family) => {
      const { prometheus, openmetrics } = headOf(family);
      return [family.name, prometheus, openmetrics, renderSeries(family)];
    });
}

/** Joins rendered families. Series of one family from several places stand together, as both formats require. */
export function joinFamilies(families: readonly RenderedFamily[], format: MetricsFormat): string {
  const byName = new Map<string, string>();
  for (const [name, prometheus, openmetrics, series] of families) {
    byName.set(name, (byName.get(name) ?? (format === 'prometheus' ? prometheus : openmetrics)) + series);
  }
  return [...byName.values()].join('');
}

/** Cache of the head of each family, which is the same for every sample. */
const heads = new Map<string, Head>();
/** Maximum cached heads. The cache is cleared beyond it, because some names come from files. */
const MAX_HEADS = 1_000;

function headOf(family: MetricFamily): Head {
  const key = `${family.name} ${family.type} ${family.help}`;
  let head = heads.get(key);
  if (!head) {
    if (heads.size >= MAX_HEADS) heads.clear();
    head = { prometheus: prometheusHead(family), openmetrics: openMetricsHead(family) };
    heads.set(key, head);
  }
  return head;
}

function prometheusHead({ name, help, type }: MetricFamily): string {
  // Only OpenMetrics has the type info.
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type === 'info' ? 'gauge' : type}\n`;
}

function openMetricsHead({ name, help, type }: MetricFamily): string {
  // In OpenMetrics, the name of a family lacks the suffix of its series.
  const family = name.replace(type === 'counter' ? /_total$/ : type === 'info' ? /_info$/ : /$^/, '');
  const unit = type === 'info' ? undefined : UNITS.find((known) => family.endsWith(`_${known}`));
  return `# HELP ${family} ${escapeLabel(help)}\n# TYPE ${family} ${type}\n${unit ? `# UNIT ${family} ${unit}\n` : ''}`;
}

function renderSeries({ name, samples }: MetricFamily): string {
  let text = '';
  for (const { suffix = '', labels, value } of samples)
    text += `${name}${suffix}${labels ? renderLabels(labels) : ''} ${renderValue(value)}\n`;
  return text;
}

function renderLabels(labels: NonNullable<MetricSample['labels']>): string {
  let pairs = '';
  for (const name in labels) pairs += `${pairs && ','}${name}="${escapeLabel(labels[name] as string)}"`;
  return pairs && `{${pairs}}`;
}

/** Renders a number as both formats (and Go's strconv) do. */
function renderValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

const TO_BE_ESCAPED = /[\\"\n]/;
const LABEL_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** Escapes backslash, quote and line feed. */
function escapeLabel(text: string): string {
  return TO_BE_ESCAPED.test(text) ? text.replace(/[\\"\n]/g, (char) => LABEL_ESCAPES[char] ?? char) : text;
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, (char) => LABEL_ESCAPES[char] ?? char);
}
