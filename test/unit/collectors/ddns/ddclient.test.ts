import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDdclient } from '../../../../src/collectors/ddns/ddclient.js';
import { quote, SourceError } from '../../../../src/errors.js';
import { anyText, assertMalformed, assertPlain, captured, isValueOrMalformed } from '../../../support/parser-cases.js';
import { machineWith, sampleValue, unreadable } from '../../../support/sample.js';

const configurations = ['raspap', 'debian', 'comments', 'several', 'router', 'quotes', 'usev4-disabled'].map((name) =>
  captured('ddclient', name, 'etc/ddclient.conf'),
);

const malformed: readonly (readonly [text: string, message: string])[] = [
  ['password:geheim\n', '/etc/ddclient.conf: line 1 is neither options nor host names'],
  ['use=web\nPassword geheim\nhome.example.org\n', '/etc/ddclient.conf: line 2 is neither options nor host names'],
  ['use=web\rpassword=geheim\rhome.example.org\r', '/etc/ddclient.conf: line 1 contains a carriage return'],
  ['login = me\n', '/etc/ddclient.conf: line 1 has blanks around ='],
  ['# a\nuse=web \\\n\\\nhome.example.org;geheim\n', '/etc/ddclient.conf: line 2 is neither options nor host names'],
  ['host=a/b\n', '/etc/ddclient.conf: line 1 is neither options nor host names'],
  ['\0\n', '/etc/ddclient.conf: line 1 is neither options nor host names'],
  [`\nlogin=${'x'.repeat(1_025)}\n`, '/etc/ddclient.conf: line 2: login has more than 1024 characters'],
  ['a\n'.repeat(1_001), '/etc/ddclient.conf: line 1001 is the definition of hosts after the 1000th'],
];
for (const [text, message] of malformed) {
  test(`rejects ${quote(text.slice(-60))} without quoting it`, () => assertMalformed(() => parseDdclient(text), message));
}

test('gives a value or a SourceError for any text, and the message quotes nothing', () => {
  fc.assert(
    fc.property(anyText(configurations), (text) => {
      isValueOrMalformed(
        () => assertPlain(parseDdclient(text)),
        (message) => assert.match(message, /^\/etc\/[\w/.]+: [\w ,=:;./]+$/),
      );
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('long lines take linear time', () => {
  const size = 256 << 10;
  const pieces = [
    'password',
    'password ',
    "password='",
    ',password',
    '"',
    "'",
    '\\ ',
    'a\\\n',
    ',',
    'a=',
    'a=b,',
    '#',
    ' ',
    '-',
    '.',
    'ü ',
  ];
  const startMs = performance.now();
  for (const piece of pieces) {
    for (const text of [piece.repeat(size / piece.length), `x ${piece.repeat(size / piece.length)}=`]) {
      try {
        parseDdclient(text);
      } catch (error) {
        assert.ok(error instanceof SourceError, String(error));
      }
    }
  }
  assert.ok(performance.now() - startMs < 10_000);
});

test('no password shows in another field or in an error', () => {
  const password = fc.string({ unit: fc.constantFrom(...'abcXYZ019#=,"\\$%&/()[]{}<>|;:!?*+~^`@'), minLength: 3, maxLength: 30 });
  const before = fc.constantFrom('', '  ', 'login=me ', 'login=me, ', 'login=me,', 'use=web web=x\\ y,', "login='me' ", 'fw-login=me\t');
  const after = fc.constantFrom('', ' ', ' home.example.org', ' \\\nhome.example.org', ' # comment', '\n= = =\n', '\nhome.example.org;');
  const line = fc.tuple(before, fc.constantFrom('password', 'fw-password', 'password ', 'x-password'), password, fc.boolean(), after);
  fc.assert(
    fc.property(line, ([head, name, middle, quoted, tail]) => {
      const secret = `geheim${middle}geheim`;
      let shown: string;
      try {
        const { password: _own, hosts, ...fields } = parseDdclient(`${head}${name}=${quoted ? `'${secret}'` : secret}${tail}\n`);
        shown = JSON.stringify([fields, hosts.map(({ password: _hidden, ...rest }) => rest)]);
      } catch (error) {
        assert.ok(error instanceof SourceError, String(error));
        shown = error.message;
      }
      assert.ok(!shown.includes('geheim'), shown);
    }),
    { numRuns: 1_000, seed: 1 },
  );
});

test('a password in double quotes may hold blanks', () => {
  const { password, domain, login } = parseDdclient('password="one two", login=me home.example.org\n');
  assert.deepEqual([password, login, domain], ['"one two",', 'me', 'home.example.org']);
});

test('a password may hold blanks behind backslashes', () => {
  const { password, domain, login } = parseDdclient('password=one\\ two\\\tthree login=me home.example.org\n');
  assert.deepEqual([password, login, domain], ['one\\ two\\\tthree', 'me', 'home.example.org']);
  assert.equal(parseDdclient('password=one\\\nhome.example.org\n').domain, 'home.example.org', 'nor is it continued');
});

test('a password may stand on the next line', () => {
  for (const end of ['\n', ' \n', '\r\n']) {
    const { password, domain } = parseDdclient(`login=me, password=\\${end}one${end}home.example.org\n`);
    assert.deepEqual([password, domain], ['one', 'home.example.org'], JSON.stringify(end));
  }
});

test('use and method say where ddclient finds the address', () => {
  const found: [text: string, use: string, method: string][] = [
    ['use=web', 'web', ''],
    ['use=web, web=dyndns', 'web', 'dyndns'],
    ['web=dyndns', '', ''],
    ['use=IF, if=eth0', 'IF', 'eth0'],
    ['use=ip ip=192.0.2.1', 'ip', '192.0.2.1'],
    ['use=cmd cmd="a b"', 'cmd', 'a b'],
    ['use=fw, fw=192.0.2.1/status, if=eth0', 'fw', '192.0.2.1/status'],
    ['use=cisco, if=eth0, fw=192.0.2.1', 'cisco', '192.0.2.1'],
    ['use=no, web=dyndns, fw=192.0.2.1', 'no', ''],
    ['usev4=webv4 webv4=ipify use=if if=eth0', 'webv4', 'ipify'],
    ['usev4=cisco fwv4=192.0.2.1 fw=192.0.2.2', 'cisco', '192.0.2.1'],
    ['usev4=disabled usev6=if if=eth0', 'if', 'eth0'],
    ['usev4=disabled usev6=disabled use=disabled', 'disabled', ''],
    ['use=constructor', 'constructor', ''],
  ];
  for (const [text, use, method] of found) {
    const read = parseDdclient(text);
    assert.deepEqual([read.use, read.method], [use, method], text);
  }
});

test('parseDdclient reads back any file that RaspAP writes', () => {
  const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789.-_@:/=?&%'), minLength: 1, maxLength: 40 });
  const machine = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-.'), minLength: 1, maxLength: 40 });
  // It writes them between single quotes; one that ends or starts with such a quote cannot be told from it.
  const password = fc.string({ unit: fc.constantFrom(...'abc"#=, \\$ü%'), maxLength: 20 }).map((text) => `a${text}a`);
  const model = {
    protocol: word,
    method: word,
    server: word,
    login: word,
    password,
    hosts: fc.array(machine, { minLength: 1, maxLength: 3 }),
  };
  fc.assert(
    fc.property(fc.record(model), fc.constantFrom('\n', ' \\\n'), ({ hosts, ...fields }, end) => {
      const { protocol, method, server, login, password } = fields;
      const options = [`protocol=${protocol}`, 'use=web', `web=${method}`, `server=${server}`, `login=${login}`, `password='${password}'`];
      const text = `daemon=300\nsyslog=yes\n${options.join(end)}${end}${hosts.join(', ')}\n`;
      const expected = { use: 'web', ...fields, domain: hosts.join(',') };
      assert.deepEqual(parseDdclient(text), { ...expected, hosts: [expected] });
    }),
  );
});

test('an unreadable file is an error', () => {
  const file = '/etc/ddclient.conf';
  const machine = machineWith({ [file]: unreadable('password=secret\n') });
  assert.throws(() => sampleValue('ddclient', machine), { code: 'permission', message: `${file}: permission denied` });
});

test('a file over 64 KiB is an error', () => {
  assert.throws(() => sampleValue('ddclient', machineWith({ '/etc/ddclient.conf': '#'.repeat((64 << 10) + 1) })), { code: 'too-large' });
});
