/** Reads metrics as text, as Prometheus does: its own little parser, so that what we write is read by something else than what wrote it. */

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * @param text Prometheus 0.0.4 or OpenMetrics, without time stamps
 * @returns every series, in order
 * @throws Error a line is neither a comment nor a series
 */
export function parseExposition(text: string): Series[] {
  // Only a line feed ends a line: a carriage return may be in a label.
  return text.split('\n').flatMap((line) => (line === '' || line.startsWith('#') ? [] : [parseSeries(line)]));
}

function parseSeries(line: string): Series {
  const head = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\[\\"n])*",?)*)\})? ([^ ]+)$/su.exec(line);
  if (!head) throw new Error(`no series: ${JSON.stringify(line)}`);
  const [, name = '', pairs = '', value = ''] = head;
  const labels: Record<string, string> = {};
  for (const [, label = '', escaped = ''] of pairs.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\"n])*)"/gsu)) {
    if (Object.hasOwn(labels, label)) throw new Error(`a label twice: ${JSON.stringify(line)}`);
    labels[label] = escaped.replace(/\\(.)/gsu, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  const number = value === '+Inf' ? Number.POSITIVE_INFINITY : value === '-Inf' ? Number.NEGATIVE_INFINITY : Number(value);
  if (Number.isNaN(number) && value !== 'NaN') throw new Error(`no number: ${JSON.stringify(line)}`);
  return { name, labels, value: number };
}

/** The values of a family by the label that tells its series apart; of a family without labels, under the empty text. */
export function valuesOf(series: readonly Series[], name: string, label?: string): Map<string, number> {
  return new Map(series.filter((one) => one.name === name).map((one) => [label ? (one.labels[label] ?? '') : '', one.value]));
}
