/** Small parser for metrics in text format. It shares no code with the encoder, so that the tests don't repeat its mistakes. */

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Parses metrics.
 *
 * @param text Prometheus 0.0.4 or OpenMetrics, without timestamps
 * @returns all series, in order
 * @throws {Error} if a line is neither a comment nor a series
 */
export function parseExposition(text: string): Series[] {
  // Only a line feed ends a line. A label may contain a carriage return.
  return text.split('\n').flatMap((line) => (line === '' || line.startsWith('#') ? [] : [parseSeries(line)]));
}

function parseSeries(line: string): Series {
  const head = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\[\\"n])*",?)*)\})? ([^ ]+)$/su.exec(line);
  if (!head) throw new Error(`not a series: ${JSON.stringify(line)}`);
  const [, name = '', pairs = '', value = ''] = head;
  const labels: Record<string, string> = {};
  for (const [, label = '', escaped = ''] of pairs.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\"n])*)"/gsu)) {
    if (Object.hasOwn(labels, label)) throw new Error(`duplicate label: ${JSON.stringify(line)}`);
    labels[label] = escaped.replace(/\\(.)/gsu, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  const number = value === '+Inf' ? Number.POSITIVE_INFINITY : value === '-Inf' ? Number.NEGATIVE_INFINITY : Number(value);
  if (Number.isNaN(number) && value !== 'NaN') throw new Error(`not a number: ${JSON.stringify(line)}`);
  return { name, labels, value: number };
}

/** Returns the values of a family by a label. A family without labels has one value, under the empty string. */
export function valuesOf(series: readonly Series[], name: string, label?: string): Map<string, number> {
  return new Map(series.filter((one) => one.name === name).map((one) => [label ? (one.labels[label] ?? '') : '', one.value]));
}
