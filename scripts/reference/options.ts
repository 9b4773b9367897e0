/** Renders the tables in docs/configuration.md. */
import { GROUPS, type Option, options, SCHEDULE_SUMMARY } from '../../src/config/options.js';
import { cell, table } from './markdown.js';

/** Returns a table of options per group of `--help`. */
export function optionTables(): string {
  return GROUPS.flatMap((group) => {
    const rows = [...options, SCHEDULE_SUMMARY].filter((option) => option.group === group).map(optionRow);
    return [`### ${group}`, table(['flag', 'variable', 'meaning', 'default'], rows)];
  }).join('\n\n');
}

function optionRow({ flag, value, variable, help, default: text, defaultText = '' }: Option): string[] {
  return [
    `\`--${flag}${value ? ` ${value}` : ''}\``,
    `\`${variable}\``,
    cell(help),
    text === undefined ? cell(defaultText) : `\`${text}\``,
  ];
}
