import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatReport, type Row, showsColors } from '../../../../src/cli/doctor/report.js';

const rows: readonly Row[] = [
  { name: 'key', state: 'ok', source: '/etc/apsnap/.env', why: 'every user can read it', advice: 'chmod o= /etc/apsnap/.env' },
  { name: 'openvpn', state: 'absent', source: '/etc/openvpn', why: 'no /etc/openvpn' },
  { name: 'load', state: 'failing', source: '/proc/loadavg', why: '/proc/loadavg: does not exist', advice: 'mount /proc' },
  { name: 'events', state: 'absent', source: 'iw event', why: 'iw: not found', advice: 'install iw' },
  { name: 'memory', state: 'ok', source: '/proc/meminfo' },
];

test('the report ends with what is absent and a summary', () => {
  assert.equal(
    formatReport(rows, false),
    `key      ok       /etc/apsnap/.env
                  why: every user can read it
                  do:  chmod o= /etc/apsnap/.env
load     failing  /proc/loadavg
                  why: /proc/loadavg: does not exist
                  do:  mount /proc
memory   ok       /proc/meminfo

Not on this machine, or not set up:
  openvpn  no /etc/openvpn
  events   iw: not found; install iw

2 sources ok, 2 not on this machine, 1 failing`,
  );
});

test('without anything absent, there is no list of it', () => {
  assert.equal(
    formatReport([{ name: 'key', state: 'ok', source: 'x' }], false),
    'key  ok       x\n\n1 sources ok, 0 not on this machine, 0 failing',
  );
});

test('colours change nothing but colours', () => {
  const colored = formatReport(rows, true);
  assert.ok(colored.includes('\x1b[31mfailing\x1b[0m') && colored.includes('\x1b[32mok     \x1b[0m'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with one
  assert.equal(colored.replace(/\x1b\[\d+m/g, ''), formatReport(rows, false));
});

test('colours are for terminals that show them', () => {
  assert.equal(showsColors({ isTTY: true }, { TERM: 'xterm' }), true);
  assert.equal(showsColors({ isTTY: true }, { NO_COLOR: '' }), true);
  assert.equal(showsColors({ isTTY: true }, { NO_COLOR: '1' }), false);
  assert.equal(showsColors({ isTTY: true }, { TERM: 'dumb' }), false);
  assert.equal(showsColors({}, {}), false);
});
