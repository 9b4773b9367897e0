// What systemd is told, by a systemd-notify that writes it down; and the completion of bash.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { completion } from '../../scripts/manual.js';
import type { Contents } from '../../src/engine/readiness.js';
import { Store } from '../../src/engine/store.js';
import { notifyServiceManager } from '../../src/service/systemd.js';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-systemd-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe('systemd', () => {
  /** Notifies a systemd that expects a sign of life every 0.2 s. */
  function notify(store: Contents) {
    const bin = mkdtempSync(join(folder, 'bin-'));
    const heard = join(bin, 'heard');
    writeFileSync(join(bin, 'systemd-notify'), `#!/bin/sh\nprintf '%s %s\\n' "$NOTIFY_SOCKET" "$1" >>'${heard}'\n`);
    chmodSync(join(bin, 'systemd-notify'), 0o755);
    const environment = { PATH: `${bin}:${process.env.PATH}`, NOTIFY_SOCKET: '/run/test', WATCHDOG_USEC: '200000' };
    const lines: string[] = [];
    const manager = notifyServiceManager(environment, store, (line) => lines.push(line));
    return { manager, lines, heard: () => (existsSync(heard) ? readFileSync(heard, 'utf8') : '') };
  }

  test('gets signs of life, but not READY=1, until the service is ready', async (context) => {
    const { manager, heard } = notify(new Store());
    context.after(() => manager.stop());
    await eventually(() => assert.ok(heard().split('/run/test WATCHDOG=1\n').length > 3));
    assert.doesNotMatch(heard(), /READY=1/);
  });

  test('gets READY=1 once', async (context) => {
    // Without required collectors, nothing is lacking.
    const { manager, heard } = notify({ collectors: new Map(), documents: new Map() });
    context.after(() => manager.stop());
    await eventually(() => assert.match(heard(), /^\/run\/test READY=1$/m));
    await eventually(() => assert.ok(heard().split('WATCHDOG=1').length > 2));
    assert.equal(heard().split('READY=1').length, 2);
  });

  test('is not notified without NOTIFY_SOCKET', () => {
    const log = () => assert.fail();
    notifyServiceManager({ WATCHDOG_USEC: '1' }, new Store(), log).stop();
  });

  test('without systemd-notify, the log says so once', async (context) => {
    const lines: string[] = [];
    const environment = { PATH: folder, NOTIFY_SOCKET: '/run/test', WATCHDOG_USEC: '2000' };
    const manager = notifyServiceManager(environment, new Store(), (line) => lines.push(line));
    context.after(() => manager.stop());
    await eventually(() => assert.equal(lines.length, 1));
    assert.match(lines[0] ?? '', /^ERROR: systemd-notify WATCHDOG=1: ENOENT; /);
  });
});

test('bash completes commands, flags and key commands', async () => {
  const file = join(folder, 'completion');
  writeFileSync(file, completion());
  const complete = async (...words: string[]) => {
    const script = `. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _apsnap; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await run('bash', ['-c', script, file, 'apsnap', ...words])).stdout.trim().split('\n');
  };
  assert.deepEqual(await complete('sna'), ['snapshot']);
  assert.deepEqual(await complete('key', 'sh'), ['show']);
  assert.deepEqual(await complete('--thr'), ['--threads']);
  assert.deepEqual(await complete('--schedule.lo'), ['--schedule.load']);
  assert.deepEqual(await complete('help', ''), ['schedules']);
});
