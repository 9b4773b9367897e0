import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completion, manual } from '../../../scripts/manual.js';
import { commandNames } from '../../../src/cli/help.js';
import { options, scheduleOptions } from '../../../src/config/options.js';

test('the manual page has every command and option', () => {
  const text = manual();
  for (const name of commandNames) assert.match(text, new RegExp(`^\\\\fB${name}`, 'm'));
  for (const { flag, variable } of options) {
    assert.ok(text.includes(`\\fB\\-\\-${flag.replaceAll('-', '\\-')}\\fR`), flag);
    assert.ok(text.includes(variable), variable);
  }
  assert.doesNotMatch(text, /(?<!\\)f[IB](?=[A-Z-])/);
});

test('the completion has every flag, each schedule included', () => {
  const text = completion();
  for (const { flag } of [...options, ...scheduleOptions]) assert.match(text, new RegExp(`[' ]--${flag.replaceAll('.', '\\.')}[' ]`));
});
