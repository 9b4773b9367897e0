import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRules } from '../../../../src/collectors/firewall/firewall.js';
import { quote } from '../../../../src/errors.js';
import { anyText, assertMalformed, assertPlain, captured, isValueOrMalformed } from '../../../support/parser-cases.js';
import { machineWith, sampleValue, unreadable } from '../../../support/sample.js';

const RULES = '/etc/raspap/networking/firewall/iptables_rules.json';
const parseFirewall = (text: string) => parseRules(text, RULES);
const rules = ['raspap', 'prototype'].map((name) => captured('firewall', name, RULES.slice(1)));

const INVALID = `${RULES}: is not valid JSON; check it with: jq . ${RULES}`;
const malformed: readonly (readonly [text: string, message: string])[] = [
  ['', INVALID],
  ['{\n"geheim": [1,\n', INVALID],
  ['{\n"a":\n geheim }', INVALID],
  ['{}\n\ngeheim', INVALID],
  ['["geheim"]', `${RULES}: is JSON, expected an object`],
  ['null', `${RULES}: is JSON, expected an object`],
  [`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, `${RULES}: nests deeper than 64`],
  [`{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, `${RULES}: nests deeper than 64`],
];
for (const [text, message] of malformed) {
  test(`rejects ${quote(text.slice(-60))} without quoting it`, () => assertMalformed(() => parseFirewall(text), message));
}

test('gives a value or a SourceError for any text, and the message quotes nothing', () => {
  fc.assert(
    fc.property(anyText(rules), (text) => {
      isValueOrMalformed(
        () => assertPlain(parseFirewall(text)),
        (message) => assert.match(message, /^\/etc\/[\w/.]+: [\w ,=:;./]+$/),
      );
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('rules are passed on unchanged', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
      const text = JSON.stringify(value, (key, held) => (key === '__proto__' ? undefined : held));
      assert.equal(JSON.stringify(parseFirewall(text)), text);
    }),
  );
  assert.equal(JSON.stringify(parseFirewall('{"b":[{"__proto__":{"x":1}}],"__proto__":1,"a":"__proto__"}')), '{"b":[{}],"a":"__proto__"}');
  assert.equal(({} as { x?: number }).x, undefined);
});

test('unreadable rules are an error, although older ones can be read', () => {
  const machine = machineWith({ [RULES]: unreadable('{}'), '/etc/raspap/networking/iptables_rules.json': '{"older":true}' });
  assert.throws(() => sampleValue('firewall', machine), { code: 'permission', message: `${RULES}: permission denied` });
});

test('rules over 256 KiB are an error', () => {
  assert.throws(() => sampleValue('firewall', machineWith({ [RULES]: `"${' '.repeat(256 << 10)}"` })), {
    code: 'too-large',
    message: /iptables_rules\.json: has more than 262144 bytes$/,
  });
});
