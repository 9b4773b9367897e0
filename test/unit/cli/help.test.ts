import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commandNames, help, schedulesHelp } from '../../../src/cli/help.js';
import { collectors } from '../../../src/collectors/index.js';
import { GROUPS, options, SCHEDULE_SUMMARY } from '../../../src/config/options.js';

describe('--help', () => {
  const lines = help().split('\n');

  test('lists every command', () => {
    for (const name of commandNames)
      assert.ok(
        lines.some((line) => line.startsWith(`  ${name}`)),
        name,
      );
  });

  test('lists every option once, in its group, with its variable and default', () => {
    let group = '';
    const found = new Map<string, string>();
    for (const line of lines) {
      group = /^(\w+):$/.exec(line)?.[1] ?? group;
      const [, flag, variable] = /^ {2}--(\S+)(?: [A-Z]+)? +(APSNAP_\w+) +.* \(default: .+\)$/.exec(line) ?? [];
      if (flag && variable) found.set(flag, `${group} ${variable}`);
    }
    const expected = [...options, SCHEDULE_SUMMARY].map(({ flag, group: heading, variable }) => [flag, `${heading} ${variable}`] as const);
    assert.deepEqual([...found].sort(), [...expected].sort());
    for (const heading of GROUPS) assert.ok(lines.includes(`${heading}:`), heading);
  });

  test('describes each option in a line that stands alone', () => {
    for (const { flag, help: text } of [...options, SCHEDULE_SUMMARY]) {
      assert.match(text, /^(?!(?:the|same|until|or|and)\b)\w/, flag);
      assert.ok(text.split(' ').length >= 3, `${flag}: ${text}`);
    }
  });
});

test('help schedules lists each collector with its variable and default', () => {
  const lines = schedulesHelp().split('\n');
  for (const { name, schedule } of collectors) {
    const line = lines.find((one) => one.startsWith(`  ${name} `));
    assert.ok(line?.includes(` APSNAP_SCHEDULE_${name.toUpperCase()} `) && line.endsWith(`  ${schedule}`), name);
  }
});
