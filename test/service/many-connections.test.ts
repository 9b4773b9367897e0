// Thousands of connections, and few file descriptors, against the service in its own process.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer, type TestServer } from '../support/server.js';
import {
  closeAll,
  connectMany,
  connectTo,
  descriptorsOf,
  head,
  lastingDescriptorsOf,
  residentMb,
  statuses,
  undisturbed,
  untilDescriptors,
} from '../support/sockets.js';

/** Another client's address: all of 127.0.0.0/8 is the loopback interface. */
const ELSEWHERE = '127.0.0.2';

function askSystem({ url, key }: TestServer) {
  return ask(url, '/system', { headers: { access_token: key } });
}

async function untilReady(server: TestServer): Promise<void> {
  await eventually(async () => assert.equal((await askSystem(server)).status, 200));
}

describe('thousands', () => {
  const hard = Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);
  /** Twice the default limit of connections. */
  const amount = Math.min(4_000, hard - 500);

  test(`of ${amount} sockets, 2,000 may stay`, async (context) => {
    if (amount < 4_000) context.diagnostic(`ulimit -n is ${hard}: 4,000 connections need 4,500`);
    const server = await startServer();
    context.after(() => server.stop());
    await untilReady(server);
    const descriptors = await lastingDescriptorsOf(server);
    await undisturbed(server, async () => {
      const clients = await connectMany(server, amount, { from: ELSEWHERE });
      assert.ok(descriptorsOf(server) < descriptors + 2_100);
      closeAll(clients);
    });
    await untilDescriptors(server, descriptors);
    assert.doesNotMatch(server.output(), /ERROR|EMFILE/);
  });

  test(`${amount} sockets, three times, leave no memory behind`, async (context) => {
    const server = await startServer({ args: ['--max-connections', '11000', '--timeout.headers', '600', '--timeout.request', '600'] });
    context.after(() => server.stop());
    await untilReady(server);
    const descriptors = await lastingDescriptorsOf(server);
    const afterMb: number[] = [];
    for (let round = 0; round < 3; round++) {
      await undisturbed(server, async () => {
        const clients = await connectMany(server, amount);
        for (const { socket } of clients.filter((_, index) => index % 2 === 0)) socket.write('GET /system HTTP/1.1\r\nHost: ');
        await eventually(() => assert.ok(descriptorsOf(server) >= descriptors + amount));
        closeAll(clients);
      });
      await untilDescriptors(server, descriptors);
      afterMb.push(residentMb(server));
    }
    const [first = 0, ...later] = afterMb;
    // A leak of the 10 KB that Node has for each connection would add 40 MB in every round. Garbage comes and goes.
    context.diagnostic(`MB after each round: ${afterMb.map(Math.round)}`);
    assert.ok(Math.min(...later) < first + 30, `MB after each round: ${afterMb.map(Math.round)}`);
  });
});

describe('file descriptors', { concurrency: true }, () => {
  test('with few file descriptors, the service allows fewer connections', async (context) => {
    const server = await startServer({ descriptors: 160 });
    context.after(() => server.stop());
    await untilReady(server);
    const [, most] = /^WARNING: the limit of 160 open files \(ulimit -n\) allows (\d+) connections, not 2000$/m.exec(server.output()) ?? [];
    assert.ok(Number(most) >= 8 && Number(most) < 96, server.output());
    await undisturbed(server, async () => {
      const clients = await connectMany(server, 400, { from: ELSEWHERE });
      await ask(server.url, '/snapshot/refresh', { method: 'POST', headers: { access_token: server.key } });
      closeAll(clients);
    });
    const { text } = await ask(server.url, '/collectors', { headers: { access_token: server.key } });
    assert.doesNotMatch(text + server.output(), /EMFILE/);
  });

  test('the service recovers after running out of file descriptors', async (context) => {
    const server = await startServer();
    context.after(() => server.stop());
    await untilReady(server);
    await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
    const kept = await connectTo(server);
    const setLimit = async (descriptors: number) => {
      const { status, stderr } = await run('prlimit', ['--pid', String(server.process.pid), `--nofile=${descriptors}:1000`]);
      assert.equal(status, 0, stderr);
    };
    await setLimit(await lastingDescriptorsOf(server));
    const clients = await connectMany(server, 50);
    // What is loaded when it is first needed cannot be: that passes.
    for (const [method, path] of [
      ['POST', '/snapshot/refresh'],
      ['GET', '/metrics'],
      ['GET', '/docs'],
    ] as const) {
      const answered = statuses(kept.got()).length;
      kept.socket.write(head(server, path, '', method));
      await eventually(() => assert.equal(statuses(kept.got())[answered], 503, path));
    }
    assert.match(kept.got(), /^Retry-After: 1\r\n[\s\S]*"the server has too many open files; try again in a moment"/m);
    await eventually(() => {
      kept.socket.write(head(server, '/collectors'));
      assert.match(kept.got(), /"reason":"[^"]*EMFILE/);
    });
    await setLimit(1_000);
    closeAll(clients);
    const headers = { access_token: server.key };
    assert.equal((await ask(server.url, '/snapshot/refresh', { method: 'POST', headers })).status, 200);
    for (const path of ['/metrics', '/docs', '/readyz']) assert.equal((await ask(server.url, path, { headers })).status, 200, path);
    assert.equal((await askSystem(server)).headers['sample-state'], 'fresh');
    kept.socket.destroy();
  });

  test('the first request that needs Koa gets its response although no file descriptor is free', async (context) => {
    const server = await startServer();
    context.after(() => server.stop());
    await untilReady(server);
    const kept = await connectTo(server);
    await run('prlimit', ['--pid', String(server.process.pid), `--nofile=${await lastingDescriptorsOf(server)}:1000`]);
    const clients = await connectMany(server, 50);
    kept.socket.write(head(server, '/collectors'));
    await eventually(() => assert.deepEqual(statuses(kept.got()), [200]));
    closeAll(clients);
    kept.socket.destroy();
  });
});
