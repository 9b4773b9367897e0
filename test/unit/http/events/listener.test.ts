import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { Listener } from '../../../../src/http/events/listener.js';
import { PIECE_BYTES } from '../../../../src/http/responses/pieces.js';

/** A response whose client reads when the test says so. */
class FakeResponse extends EventEmitter {
  destroyed = false;
  writableEnded = false;
  writableNeedDrain = false;
  isReading = true;
  readonly written: string[] = [];
  write(bytes: Buffer): boolean {
    this.written.push(bytes.toString());
    this.writableNeedDrain = !this.isReading;
    return this.isReading;
  }
  end(): void {
    this.writableEnded = true;
  }
  read(): void {
    this.isReading = true;
    this.writableNeedDrain = false;
    this.emit('drain');
  }
}

function createListener(latest: Record<string, string>) {
  const response = new FakeResponse();
  const newest = (name: string) => (latest[name] === undefined ? undefined : Buffer.from(latest[name]));
  return { response, listener: new Listener(response as unknown as ServerResponse, new Set(['clients']), newest) };
}

describe('a listener', () => {
  test('that is slow gets only the latest version of what it missed', () => {
    const latest: Record<string, string> = {};
    const { response, listener } = createListener(latest);
    response.isReading = false;
    listener.send(Buffer.from('first'));
    assert.equal(listener.isCurrent, false);
    for (const version of ['second', 'third']) {
      latest.clients = version;
      listener.miss(['clients']);
    }
    assert.deepEqual(response.written, ['first']);
    response.read();
    assert.deepEqual(response.written, ['first', 'third']);
    assert.equal(listener.isCurrent, true);
  });

  test('that is closed while it is slow gets nothing more', () => {
    const { response, listener } = createListener({ clients: 'newer' });
    response.isReading = false;
    listener.send(Buffer.from('first'));
    listener.miss(['clients']);
    listener.close();
    response.read();
    assert.deepEqual(response.written, ['first']);
  });

  test('gets a large event in pieces, each when the one before is read', () => {
    const { response, listener } = createListener({ clients: 'x'.repeat(2.5 * PIECE_BYTES) });
    response.isReading = false;
    response.writableNeedDrain = true;
    listener.sendLatest(['clients']);
    for (let piece = 1; piece <= 3; piece++) {
      response.writableNeedDrain = false;
      response.isReading = false;
      response.emit('drain');
      assert.equal(response.written.length, piece);
    }
    assert.equal(response.written.join('').length, 2.5 * PIECE_BYTES);
  });

  test('whose client has disconnected is not written to', () => {
    const { response, listener } = createListener({});
    response.destroyed = true;
    listener.send(Buffer.from('first'));
    assert.deepEqual(response.written, []);
  });
});
