// How the built service stops.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get as httpGet } from 'node:http';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer } from '../support/server.js';

describe('stopping', { concurrency: true }, () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`on ${signal} the service stops within 2 s, despite idle and unfinished connections`, async (context) => {
      const stopping = await startServer();
      context.after(() => stopping.stop());
      const { hostname, port } = new URL(stopping.url);
      const agent = new Agent({ keepAlive: true });
      const idle = await new Promise<number>((resolve, reject) => {
        const options = { hostname, port, path: '/system', agent, headers: { access_token: stopping.key } };
        httpGet(options, (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0))).on('error', reject);
      });
      assert.ok(idle === 200 || idle === 503);
      const half = connect(Number(port), hostname);
      half.on('error', () => {});
      await once(half, 'connect');
      half.write('POST /snapshot/refresh HTTP/1.1\r\nHost: x\r\nContent-Le');
      const silent = connect(Number(port), hostname);
      silent.on('error', () => {});
      await once(silent, 'connect');

      const exited = once(stopping.process, 'exit');
      const startedMs = performance.now();
      stopping.process.kill(signal);
      await eventually(() => assert.match(stopping.output(), new RegExp(`INFO: stopping on ${signal}`)));
      // A connection that reached the kernel's queue in time is reset instead of refused.
      await assert.rejects(ask(stopping.url, '/healthz'), { code: /^ECONN(?:REFUSED|RESET)$/ });
      stopping.process.kill(signal); // impatience changes nothing
      const [status] = await exited;
      const tookMs = performance.now() - startedMs;
      agent.destroy();
      half.destroy();
      silent.destroy();
      assert.equal(status, 0);
      assert.ok(tookMs < 2_000, `it took ${Math.round(tookMs)} ms`);
    });
  }

  test('a service without connections stops within 2 s', async () => {
    const stopping = await startServer();
    const startedMs = performance.now();
    assert.equal(await stopping.stop(), 0);
    assert.ok(performance.now() - startedMs < 2_000);
  });
});
