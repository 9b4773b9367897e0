/** The report that `doctor` prints. */

/** The result of one check. */
export interface Row {
  readonly name: string;
  /** `absent`: the machine doesn't have it, or it isn't set up. */
  readonly state: 'ok' | 'absent' | 'failing';
  /** What was checked: the files and programs that were read, or a setting. */
  readonly source: string;
  readonly why?: string | undefined;
  /** What to do. */
  readonly advice?: string | undefined;
}

/** SGR codes of a terminal, ECMA-48. */
const COLORS: Readonly<Record<Row['state'], number>> = { ok: 32, absent: 33, failing: 31 };

/**
 * Formats the report: what is ok or failing, then a list of what is absent, then a summary.
 *
 * @param isColored whether a terminal shows it
 */
export function formatReport(rows: readonly Row[], isColored: boolean): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const paint = (state: Row['state'], text: string) => (isColored ? `\x1b[${COLORS[state]}m${text}\x1b[0m` : text);
  const indent = ' '.repeat(width + 11);
  const present = rows
    .filter(({ state }) => state !== 'absent')
    .flatMap(({ name, state, source, why, advice }) => [
      `${name.padEnd(width)}  ${paint(state, state.padEnd(7))}  ${source}`.trimEnd(),
      ...(why ? [`${indent}why: ${why}`] : []),
      ...(advice ? [`${indent}do:  ${advice}`] : []),
    ]);
  const absent = rows
    .filter(({ state }) => state === 'absent')
    .map(({ name, why, advice }) => `  ${name.padEnd(width)}  ${[why, advice].filter(Boolean).join('; ')}`);
  return [
    ...present,
    ...(absent.length > 0 ? ['', paint('absent', 'Not on this machine, or not set up:'), ...absent] : []),
    '',
    summary(rows, paint),
  ].join('\n');
}

function summary(rows: readonly Row[], paint: (state: Row['state'], text: string) => string): string {
  const amountOf = (wanted: Row['state']) => rows.filter(({ state }) => state === wanted).length;
  const [ok, absent, failing] = [amountOf('ok'), amountOf('absent'), amountOf('failing')];
  const failingText = `${failing} failing`;
  return `${paint('ok', `${ok} sources ok`)}, ${absent} not on this machine, ${failing > 0 ? paint('failing', failingText) : failingText}`;
}

/** Tells whether a stream shows colours: https://no-color.org */
export function showsColors(stream: { readonly isTTY?: boolean }, { NO_COLOR, TERM }: NodeJS.Dict<string>): boolean {
  return stream.isTTY === true && !NO_COLOR && TERM !== 'dumb';
}
