// `ip monitor` is started, its lines are handed over, and gaps are noticed. A program that a test controls stands in for it.
import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { monotonicMs } from '../../../src/engine/clock.js';
import { followIpMonitor } from '../../../src/engine/ip-monitor.js';
import { SourceError } from '../../../src/errors.js';
import type { FollowHandlers } from '../../../src/machine/follow-program.js';
import { machineWith } from '../../support/sample.js';

const links = [
  '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default \\    link/loopback 00:00:00:00:00:00',
  '3: v0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \\    link/ether 02:00:00:00:00:10',
].join('\n');
const line = '[NEIGH]10.0.0.7 dev eth0 lladdr 02:00:00:00:01:07 REACHABLE ';
const upLine = '[LINK]3: v0@NONE: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default \\    link/ether 02:00:00:00:00:10';
const renamed = '[LINK]3: w0@v1: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default \\    link/ether 02:00:00:00:00:10';

/** Starts it on a machine whose programs a test controls. */
async function started(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const runs: FollowHandlers[] = [];
  let stopped = 0;
  let reads = 0;
  const machine = {
    ...machineWith({ 'cmd/ip -o link': links }),
    follow(program: string, args: readonly string[], handlers: FollowHandlers) {
      assert.deepEqual([program, ...args], ['ip', '-o', 'monitor', 'label', 'link', 'address', 'neigh']);
      runs.push(handlers);
      return { read: () => void reads++, stop: () => void stopped++ };
    },
  };
  const ipMonitor = followIpMonitor(machine);
  await settled();
  const current = () => runs.at(-1) as FollowHandlers;
  return { ipMonitor, runs, current, stopped: () => stopped, reads: () => reads };
}

/** Lets the names of the links arrive. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const ended = new SourceError('program-failed', 'ip -o monitor: ended with status 2');

test('lines are handed over once', async (t) => {
  const beforeMs = monotonicMs();
  const { ipMonitor, current } = await started(t);
  assert.deepEqual(ipMonitor.take()?.lines, []);
  current().onLine(line);
  current().onLine(upLine);
  const taken = ipMonitor.take();
  assert.deepEqual(taken?.lines, [line, upLine]);
  assert.ok(taken.sinceMs >= beforeMs && taken.sinceMs <= monotonicMs());
  assert.deepEqual(ipMonitor.take(), { sinceMs: taken.sinceMs, lines: [] });
});

test('if it ends, it is started again after growing delays, and its earlier lines are dropped', async (t) => {
  const { ipMonitor, runs, current } = await started(t);
  const sinceMs = ipMonitor.take()?.sinceMs ?? 0;
  for (const delayMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    const starts = runs.length;
    current().onLine(line);
    current().onEnd(ended);
    assert.equal(ipMonitor.take(), undefined);
    mock.timers.tick(delayMs - 1);
    assert.equal(runs.length, starts);
    mock.timers.tick(1);
    assert.equal(runs.length, starts + 1);
  }
  const taken = ipMonitor.take();
  assert.deepEqual(taken?.lines, []);
  assert.ok(taken.sinceMs > sinceMs);
});

test('events that the kernel dropped are a gap', async (t) => {
  const { ipMonitor, current } = await started(t);
  const sinceMs = ipMonitor.take()?.sinceMs ?? 0;
  current().onLine(line);
  current().onErrorLine?.('netlink receive error No buffer space available (105)');
  current().onLine(upLine);
  const taken = ipMonitor.take();
  assert.deepEqual(taken?.lines, [upLine]);
  assert.ok(taken.sinceMs > sinceMs);
  assert.equal(ipMonitor.take()?.sinceMs, taken.sinceMs);
});

test('more than 250 lines at a time are a gap', async (t) => {
  const { ipMonitor, current } = await started(t);
  const sinceMs = ipMonitor.take()?.sinceMs;
  for (let n = 0; n < 250; n++) current().onLine(line);
  assert.equal(ipMonitor.take()?.lines.length, 250);
  for (let n = 0; n < 251; n++) current().onLine(line);
  const taken = ipMonitor.take();
  assert.deepEqual(taken?.lines, [line]);
  assert.ok(taken.sinceMs > Number(sinceMs));
});

test('its output is read on demand', async (t) => {
  const { ipMonitor, current, reads } = await started(t);
  assert.deepEqual([current().onDemand, reads()], [true, 0]);
  ipMonitor.read();
  assert.equal(reads(), 1);
});

test('if a link is renamed, it is started again, because it would print the old name', async (t) => {
  const { ipMonitor, runs, current, stopped } = await started(t);
  current().onLine(renamed);
  assert.deepEqual([stopped(), ipMonitor.take(), runs.length], [1, undefined, 1]);
  mock.timers.tick(1_000);
  assert.equal(runs.length, 2);
});

test('it keeps running if a link is added or deleted, or if its number is used again', async (t) => {
  const { current, stopped } = await started(t);
  const mentions = [
    '9: a0: <UP>',
    '9: a0: <>',
    'Deleted 9: a0: <>',
    '9: b0: <UP>',
    '9: b0@a0: <UP>',
    'Deleted 3: v0@NONE: <>',
    '3: v0: <>',
  ];
  for (const mention of mentions) current().onLine(`[LINK]${mention} mtu 1500`);
  assert.equal(stopped(), 0);
});

test('if a link changes whose name is not known yet, it is started again', async (t) => {
  const { runs, current, stopped } = await started(t);
  current().onEnd(ended);
  mock.timers.tick(1_000);
  // The names have not arrived.
  current().onLine(upLine);
  assert.equal(stopped(), 1);
  mock.timers.tick(2_000);
  await settled();
  current().onLine(upLine);
  assert.deepEqual([runs.length, stopped()], [3, 1]);
});

test('it ends when it is stopped', async (t) => {
  const { ipMonitor, runs, stopped } = await started(t);
  ipMonitor.stop();
  mock.timers.tick(100_000);
  assert.deepEqual([runs.length, stopped()], [1, 1]);
});
