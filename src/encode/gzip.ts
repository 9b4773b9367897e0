/**
 * Gzip files that can be joined without being unpacked, RFC 1952 and RFC 1951.
 *
 *     header (10 bytes) │ deflate blocks, the last of them ends at a byte and is not final │ final empty block │ CRC-32, length
 *
 * The blocks of one file may stand behind those of another: so a snapshot is made of the bytes of its documents.
 */
import { constants, crc32, deflateRawSync } from 'node:zlib';

// Magic, deflate, no flags, no time, no extra flags, Unix
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
const FINAL_BLOCK = Buffer.from([0x03, 0x00]);
const TRAILER_BYTES = 8;
/** A block that is stored says its length in 16 bits. */
const MOST_STORED_BYTES = 0xffff;

/** Bytes with their check sum, and compressed where that was worth it. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly gzip: Uint8Array | null;
  readonly crc: number;
}

/**
 * Compresses quickly: samples are short-lived, and a Pi's core is better spent elsewhere.
 *
 * @param crc of the bytes
 * @param allocate gives the memory that it is written to
 * @returns null if that does not save a tenth
 */
export function gzip(bytes: Uint8Array, crc: number, allocate: (length: number) => Uint8Array): Uint8Array | null {
  const blocks = deflateRawSync(bytes, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH });
  const parts = [HEADER, blocks, FINAL_BLOCK, trailer(crc, bytes.length)];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > 0.9 * bytes.length) return null;
  const file = allocate(length);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** @returns one gzip file of all pieces, in parts that are to be sent one after the other */
export function joinGzip(pieces: readonly Piece[]): Buffer[] {
  const parts: Buffer[] = [HEADER];
  let crc = 0;
  let length = 0;
  for (const { bytes, gzip: packed, crc: own } of pieces) {
    if (packed) parts.push(view(packed).subarray(HEADER.length, -(FINAL_BLOCK.length + TRAILER_BYTES)));
    else parts.push(...stored(view(bytes)));
    crc = crcOfBoth(crc, own, bytes.length);
    length += bytes.length;
  }
  return [...parts, FINAL_BLOCK, trailer(crc, length)];
}

/** Text that stands between what is compressed. */
export function plainPiece(text: string): Piece {
  const bytes = Buffer.from(text);
  return { bytes, gzip: null, crc: crc32(bytes) };
}

/** Blocks of type 00: as they are, with their length and its complement in front. */
function stored(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += MOST_STORED_BYTES) {
    const content = bytes.subarray(at, at + MOST_STORED_BYTES);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(content.length, 1);
    head.writeUInt16LE(~content.length & 0xffff, 3);
    blocks.push(head, content);
  }
  return blocks;
}

function trailer(crc: number, length: number): Buffer {
  const bytes = Buffer.alloc(TRAILER_BYTES);
  bytes.writeUInt32LE(crc, 0);
  bytes.writeUInt32LE(length % 2 ** 32, 4);
  return bytes;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const POLYNOMIAL = 0xedb88320;

/**
 * CRC-32 of two sequences one after the other, from that of each: the first is multiplied by x to the number of bits of the second,
 * modulo the polynomial. Bits are in reversed order, as CRC-32 has them: the highest bit is 1, the next is x.
 *
 * @param lengthB bytes of the second
 */
export function crcOfBoth(crcA: number, crcB: number, lengthB: number): number {
  let shifted = crcA;
  let power = 0x00800000; // x to the 8: one byte
  for (let left = lengthB; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) shifted = multiply(shifted, power);
    power = multiply(power, power);
  }
  return (shifted ^ crcB) >>> 0;
}

function multiply(a: number, b: number): number {
  let product = 0;
  let term = b;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= term;
    term = term & 1 ? (term >>> 1) ^ POLYNOMIAL : term >>> 1;
  }
  return product;
}
