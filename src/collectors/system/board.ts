/** Names exactly as in RaspAP's API, whose clients compare them, and two old codes that it doesn't know (14, 15). */
const names: ReadonlyMap<number, string> = new Map([
  [0x02, 'Model B Revision 1.0'],
  [0x03, 'Model B Revision 1.0 + ECN0001'],
  [0x04, 'Model B Revision 2.0 (256 MB)'],
  [0x05, 'Model B Revision 2.0 (256 MB)'],
  [0x06, 'Model B Revision 2.0 (256 MB)'],
  [0x07, 'Model A'],
  [0x08, 'Model A'],
  [0x09, 'Model A'],
  [0x0d, 'Model B Revision 2.0 (512 MB)'],
  [0x0e, 'Model B Revision 2.0 (512 MB)'],
  [0x0f, 'Model B Revision 2.0 (512 MB)'],
  [0x10, 'Model B+'],
  [0x11, 'Compute Module'],
  [0x12, 'Model A+'],
  [0x13, 'Model B+'],
  [0x14, 'Compute Module'],
  [0x15, 'Model A+'],
  [0x900092, 'PiZero 1.2'],
  [0x900093, 'PiZero 1.3'],
  [0x9000c1, 'PiZero W'],
  [0xa02082, 'Pi 3 Model B'],
  [0xa22082, 'Pi 3 Model B'],
  [0xa32082, 'Pi 3 Model B'],
  [0xa52082, 'Pi 3 Model B'],
  [0xa020d3, 'Pi 3 Model B+'],
  [0xa020a0, 'Compute Module 3'],
  [0xa220a0, 'Compute Module 3'],
  [0xa02100, 'Compute Module 3+'],
  [0xa03140, 'Compute Module 4 (1 GB)'],
  [0xb03140, 'Compute Module 4 (2 GB)'],
  [0xc03140, 'Compute Module 4 (4 GB)'],
  [0xd03140, 'Compute Module 4 (8 GB)'],
  [0xc04170, 'Pi 5 (4 GB)'],
  [0xd04170, 'Pi 5 (8 GB)'],
]);

/** Types of boards, bits 4 to 11. 0f and 16 are Raspberry Pi's own, 07 and 0b were never assigned, 19 is also the 500+. */
const types: ReadonlyMap<number, string> = new Map([
  [0x00, 'Model A'],
  [0x01, 'Model B'],
  [0x02, 'Model A+'],
  [0x03, 'Model B+'],
  [0x04, 'Pi 2 Model B'],
  [0x05, 'Alpha'],
  [0x06, 'Compute Module'],
  [0x08, 'Pi 3 Model B'],
  [0x09, 'Pi Zero'],
  [0x0a, 'Compute Module 3'],
  [0x0c, 'Pi Zero W'],
  [0x0d, 'Pi 3 Model B+'],
  [0x0e, 'Pi 3 Model A+'],
  [0x10, 'Compute Module 3+'],
  [0x11, 'Model 4B'],
  [0x12, 'Pi Zero 2 W'],
  [0x13, 'Pi 400'],
  [0x14, 'Compute Module 4'],
  [0x15, 'Compute Module 4S'],
  [0x17, 'Pi 5'],
  [0x18, 'Compute Module 5'],
  [0x19, 'Pi 500'],
  [0x1a, 'Compute Module 5 Lite'],
]);

/** Memory, bits 20 to 22: 256 MB << n. The eighth value isn't assigned yet. */
const memories = ['256 MB', '512 MB', '1 GB', '2 GB', '4 GB', '8 GB', '16 GB'];

/**
 * Names a Raspberry Pi: `Pi 3 Model B` for `a02082`, `Model 4B Revision 1.5 (8 GB)` for `d03115`.
 *
 * Codes with bit 23 set are read bit by bit; those before the Pi 2 are consecutive numbers. Source:
 * https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#raspberry-pi-revision-codes
 *
 * @param revision hexadecimal text of `Revision` in `/proc/cpuinfo`
 * @returns undefined for other text, and for codes of unknown boards
 */
export function boardName(revision: string): string | undefined {
  if (!/^[0-9a-f]{1,8}$/i.test(revision)) return undefined;
  // Bits 24 and up describe warranty, overvoltage and OTP, not the board.
  const code = Number.parseInt(revision, 16) & 0xff_ffff;
  const name = names.get(code);
  if (name !== undefined || code < 0x80_0000) return name;
  const type = types.get((code >> 4) & 0xff);
  const memory = memories[(code >> 20) & 7];
  return type === undefined || memory === undefined ? undefined : `${type} Revision 1.${code & 15} (${memory})`;
}
