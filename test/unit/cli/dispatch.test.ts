import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dispatch, helpOn } from '../../../src/cli/dispatch.js';
import { help, schedulesHelp } from '../../../src/cli/help.js';
import { UsageError } from '../../../src/errors.js';
import { version } from '../../../src/version.js';

/** Runs a command line. Returns its status and what it prints to standard output. */
async function run(context: { mock: typeof import('node:test').mock }, ...args: string[]) {
  const written: unknown[] = [];
  const write = context.mock.method(process.stdout, 'write', (text: unknown) => written.push(text));
  // These commands print before their first pause.
  const status = dispatch(args, {});
  write.mock.restore();
  return { status: await status, stdout: written.join('') };
}

describe('help', () => {
  for (const args of [['help'], ['--help'], ['-h'], ['serve', '--help'], ['key', 'rotate', '-h']]) {
    test(`${args.join(' ')} prints all options`, async (context) => {
      assert.deepEqual(await run(context as never, ...args), { status: 0, stdout: help() });
    });
  }
  for (const args of [
    ['help', 'schedules'],
    ['--help', 'schedules'],
  ]) {
    test(`${args.join(' ')} prints the schedules`, async (context) => {
      assert.deepEqual(await run(context as never, ...args), { status: 0, stdout: schedulesHelp() });
    });
  }
  test('of a command is all of it', () => assert.equal(`${helpOn(['snapshot'])}\n`, help()));
});

for (const word of ['version', '--version', '-v']) {
  test(`${word} prints the version`, async (context) => {
    assert.deepEqual(await run(context as never, word), { status: 0, stdout: `${version}\n` });
  });
}

describe('a wrong command line is named and explained', () => {
  const cases: readonly [args: string[], message: RegExp][] = [
    [['--nope'], /^unknown flag --nope: expected one of those in apsnap --help$/],
    [['--prot', '80'], /^unknown flag --prot: did you mean --port\? /],
    [['--port'], /^--port: its value is missing: expected PORT$/],
    [['--port', 'nope'], /^--port: "nope" is not valid: expected a whole number from 0 to 65535$/],
    [['nope'], /^unknown command "nope": expected serve, snapshot, doctor, key, help, version$/],
    [['snapsot', 'system'], /^unknown command "snapsot": did you mean snapshot\? expected serve, /],
    [['serve', 'more'], /^serve: unexpected argument "more": expected none$/],
    [['doctor', 'more'], /^doctor: unexpected argument "more": expected none$/],
    [['version', 'more'], /^version: unexpected argument "more": expected none$/],
    [['doctor', '--secrets'], /^--secrets: only key commands take this flag$/],
    [['help', 'nope'], /^help: unknown topic "nope": expected schedules$/],
    [['key', 'nope'], /^key nope: unknown command: expected key show, /],
    [['snapshot', 'system', 'nope'], /^snapshot: no document "nope": expected system, ap, clients, /],
  ];
  for (const [args, message] of cases) {
    test(args.join(' '), async () => {
      await assert.rejects(
        dispatch(args, { APSNAP_DOTENV: '/nowhere/.env' }),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});
