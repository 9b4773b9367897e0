// Gzip files that are joined without being unpacked, against zlib, gzip and Python.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { crc32, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { crcOfBoth, gzip, joinGzip, type Piece, plainPiece } from '../../../src/encode/gzip.js';

const allocate = (length: number) => new Uint8Array(length);

/** Bytes that can be compressed well, and differ from each other. */
function words(length: number): Buffer {
  const text = Array.from({ length: length / 8 + 1 }, (_, n) => `host-${n % 997} `).join('');
  return Buffer.from(text).subarray(0, length);
}

function piece(bytes: Buffer, compressed: boolean): Piece {
  const crc = crc32(bytes);
  return { bytes, gzip: compressed ? gzip(bytes, crc, allocate) : null, crc };
}

const LENGTHS = [0, 1, 2, 65_534, 65_535, 65_536, 131_070, 200_000];

describe('gzip', () => {
  for (const length of LENGTHS) {
    test(`gzip/one of ${length}`, () => {
      const bytes = words(length);
      const packed = gzip(bytes, crc32(bytes), allocate);
      if (length < 100) assert.equal(packed, null, 'not worth it');
      else assert.ok(packed && packed.length < 0.9 * length && gunzipSync(packed).equals(bytes));
    });
  }

  test('gzip/not worth it', () => {
    const bytes = randomBytes(100_000);
    assert.equal(gzip(bytes, crc32(bytes), allocate), null);
  });

  test('gzip/into shared memory', () => {
    const bytes = words(200_000);
    const packed = gzip(bytes, crc32(bytes), (length) => new Uint8Array(new SharedArrayBuffer(length)));
    assert.ok(packed && gunzipSync(Buffer.from(packed)).equals(bytes));
    assert.ok(gunzipSync(Buffer.concat(joinGzip([plainPiece('['), { bytes, gzip: packed, crc: crc32(bytes) }, plainPiece(']')]))));
  });
});

describe('joined', () => {
  const pieces = LENGTHS.flatMap((length) => [piece(words(length), true), piece(words(length), false), piece(randomBytes(length), false)]);

  function assertJoined(some: readonly Piece[]): Buffer {
    const file = Buffer.concat(joinGzip(some));
    assert.ok(gunzipSync(file).equals(Buffer.concat(some.map(({ bytes }) => bytes))));
    return file;
  }

  test('joined/nothing', () => {
    assertJoined([]);
  });

  test('joined/one', () => {
    for (const one of pieces) assertJoined([one]);
  });

  test('joined/each with each', () => {
    for (const one of pieces) for (const other of pieces) assertJoined([one, plainPiece(','), other]);
  });

  test('joined/programs unpack it', (context) => {
    const file = assertJoined([...pieces, plainPiece('é'), ...pieces]);
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const wanted = digest(gunzipSync(file));
    execFileSync('gzip', ['-t'], { input: file });
    assert.equal(digest(execFileSync('gzip', ['-dc'], { input: file, maxBuffer: 1 << 28 })), wanted);
    const script = 'import gzip,hashlib,sys; print(hashlib.sha256(gzip.decompress(sys.stdin.buffer.read())).hexdigest())';
    const python = spawnSync('python3', ['-c', script], { input: file, encoding: 'utf8' });
    if (python.error) return context.diagnostic('no python3 here');
    assert.equal(python.stdout.trim(), wanted, python.stderr);
  });

  test('joined/any', () => {
    const some = fc.array(
      fc.tuple(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 1, maxLength: 3 })), fc.nat(500), fc.boolean()),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(some, (given) => {
        assertJoined(
          given.map(([bytes, times, compressed]) => piece(Buffer.concat(Array(times + 1).fill(bytes) as Uint8Array[]), compressed)),
        );
      }),
    );
  });
});

describe('crc', () => {
  test('crc/any two', () => {
    const bytes = fc.uint8Array({ maxLength: 5_000, size: 'max' });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        assert.equal(crcOfBoth(crc32(a), crc32(b), b.length), crc32(Buffer.concat([a, b])));
      }),
      { numRuns: 500 },
    );
  });

  test('crc/long', () => {
    const [a, b] = [words(70_000_001), words(33_554_433)];
    assert.equal(crcOfBoth(crc32(a), crc32(b), b.length), crc32(b, crc32(a)));
    assert.equal(crcOfBoth(0, crc32(b), b.length), crc32(b));
    assert.equal(crcOfBoth(crc32(a), 0, 0), crc32(a));
  });
});
