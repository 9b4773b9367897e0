import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createEventParser, type StreamEvent } from '../../../web/event-stream.js';

const TEXT =
  ': hello\n\nevent: system\nid: 7\ndata: {"a":1}\n\ndata:x\r\ndata: y\r\n\r\nid: 8\n\nevent: ap\ndata\n\nevent: lost\ndata: unfinished';
const EVENTS: StreamEvent[] = [
  { name: 'system', id: '7', data: '{"a":1}' },
  { name: 'message', id: '7', data: 'x\ny' },
  { name: 'ap', id: '8', data: '' },
];

function parse(pieces: Iterable<string>): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = createEventParser((event) => events.push(event));
  for (const piece of pieces) parser(piece);
  return events;
}

test('events are the same wherever the text is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 })), (lengths) => {
      const pieces: string[] = [];
      let rest = TEXT;
      for (const length of lengths) {
        pieces.push(rest.slice(0, length));
        rest = rest.slice(length);
      }
      assert.deepEqual(parse([...pieces, rest]), EVENTS);
    }),
  );
});

test('a line of 4 MB may arrive in small pieces', () => {
  const piece = 'x'.repeat(1_024);
  const [event] = parse(['data: ', ...Array<string>(4_096).fill(piece), '\n\n']);
  assert.equal(event?.data.length, 4 * 1_024 * 1_024);
});
