import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCommandLine } from '../../../src/config/command-line.js';

test('words and flags may stand in any order', () => {
  const { words, flags } = parseCommandLine([
    'snapshot',
    '--port',
    '80',
    'system',
    '--expose-secrets',
    '--cors-origin=a',
    '--cors-origin',
    'b',
  ]);
  assert.deepEqual(words, ['snapshot', 'system']);
  assert.deepEqual(Object.fromEntries(flags), { port: ['80'], 'expose-secrets': ['1'], 'cors-origin': ['a', 'b'] });
});

test('help and version have short forms', () => {
  assert.ok(parseCommandLine(['-h']).flags.has('help'));
  assert.ok(parseCommandLine(['-v']).flags.has('version'));
});

describe('an unknown flag', () => {
  const cases: readonly [args: string[], message: RegExp][] = [
    [['--nope'], /^UsageError: unknown flag --nope: expected one of those in apsnap --help$/],
    [['--nope=1'], /^UsageError: unknown flag --nope: /],
    [['--prot', '80'], /^UsageError: unknown flag --prot: did you mean --port\? apsnap --help lists all flags$/],
    [['--Port', '80'], /^UsageError: unknown flag --Port: did you mean --port\?/],
    [['--no-port'], /^UsageError: unknown flag --no-port: /],
    [['--schedule.cpus', 'x'], /^UsageError: unknown flag --schedule\.cpus: did you mean --schedule\.cpu\?/],
    [['-p', '80'], /^UsageError: unknown flag -p: /],
    [['--v'], /^UsageError: unknown flag --v: /],
    [['--no\nsuch'], /^UsageError: unknown flag --no\\u000asuch: [^\n]*$/],
  ];
  for (const [args, message] of cases) test(JSON.stringify(args), () => assert.throws(() => parseCommandLine(args), message));
});

test('a flag without its value is an error', () => {
  for (const name of ['host', 'port', 'path.rootfs', 'dotenv', 'threads', 'cors-origin', 'access-log', 'schedule.load']) {
    assert.throws(
      () => parseCommandLine([`--${name}`]),
      new RegExp(`^UsageError: --${name.replaceAll('.', '\\.')}: its value is missing: expected [A-Z]+$`),
    );
  }
  assert.throws(() => parseCommandLine(['--dotenv', '--port', '80']), /^UsageError: --dotenv: its value is missing/);
});

test('a value for a flag that takes none is an error', () => {
  for (const flag of ['expose-secrets', 'no-docs', 'help'])
    assert.throws(() => parseCommandLine([`--${flag}=yes`]), { message: `--${flag}: takes no value` });
});

test('more than 1,000 arguments are an error', () => {
  assert.equal(parseCommandLine(Array(1_000).fill('x')).words.length, 1_000);
  assert.throws(() => parseCommandLine(Array(1_001).fill('x')), /^UsageError: 1001 arguments: expected 1000 at most$/);
});
