import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessPointDocument } from '../../../bench/access-point.js';

test('the document of the virtual access point compares each figure with node -e 0', () => {
  const figures = {
    node: '18.20.4',
    starts: [{ ms: 9_000, cpuMs: 8_000 }],
    nothing: [{ ms: 3_000, cpuMs: 2_000 }],
    nothingMb: 48,
    settledMb: 72,
    laterMb: 72,
    cpuMsPerSecond: 100,
  };
  const document = accessPointDocument(figures, '- Date: today', true);
  const rows = document.split('\n').filter((line) => line.startsWith('| '));
  assert.deepEqual(rows.slice(2), [
    '| Start of the process to the first fresh `/system` | 9,000 ms | 3,000 ms | 3.00 |',
    '| CPU until then | 8,000 ms | 2,000 ms | 4.00 |',
    '| Resident memory, idle, after 60 s | 72.0 MB | 48.0 MB | 1.50 |',
    '| Resident memory, idle, after 120 s | 72.0 MB | 48.0 MB | 1.50 |',
    '| CPU per second, idle, programs included | 100 ms | 2,000 ms each | 0.050 |',
  ]);
  assert.match(document, /The processor was emulated/);
  assert.doesNotMatch(accessPointDocument(figures, '', false), /emulated/);
});
