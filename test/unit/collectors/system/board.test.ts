import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { boardName } from '../../../../src/collectors/system/board.js';

// The strings of RaspAP's API.
const kept: Record<string, string> = {
  '0002': 'Model B Revision 1.0',
  '0003': 'Model B Revision 1.0 + ECN0001',
  '0004': 'Model B Revision 2.0 (256 MB)',
  '0005': 'Model B Revision 2.0 (256 MB)',
  '0006': 'Model B Revision 2.0 (256 MB)',
  '0007': 'Model A',
  '0008': 'Model A',
  '0009': 'Model A',
  '000d': 'Model B Revision 2.0 (512 MB)',
  '000e': 'Model B Revision 2.0 (512 MB)',
  '000f': 'Model B Revision 2.0 (512 MB)',
  '0010': 'Model B+',
  '0011': 'Compute Module',
  '0012': 'Model A+',
  '0013': 'Model B+',
  '900092': 'PiZero 1.2',
  '900093': 'PiZero 1.3',
  '9000c1': 'PiZero W',
  a02082: 'Pi 3 Model B',
  a22082: 'Pi 3 Model B',
  a32082: 'Pi 3 Model B',
  a52082: 'Pi 3 Model B',
  a020d3: 'Pi 3 Model B+',
  a220a0: 'Compute Module 3',
  a020a0: 'Compute Module 3',
  a02100: 'Compute Module 3+',
  a03111: 'Model 4B Revision 1.1 (1 GB)',
  b03111: 'Model 4B Revision 1.1 (2 GB)',
  c03111: 'Model 4B Revision 1.1 (4 GB)',
  a03140: 'Compute Module 4 (1 GB)',
  b03140: 'Compute Module 4 (2 GB)',
  c03140: 'Compute Module 4 (4 GB)',
  d03140: 'Compute Module 4 (8 GB)',
  c04170: 'Pi 5 (4 GB)',
  d04170: 'Pi 5 (8 GB)',
};

// The other codes that Raspberry Pi's documentation lists, and one of each type.
const decoded: Record<string, string> = {
  '0014': 'Compute Module',
  '0015': 'Model A+',
  '900021': 'Model A+ Revision 1.1 (512 MB)',
  '900032': 'Model B+ Revision 1.2 (512 MB)',
  '900061': 'Compute Module Revision 1.1 (512 MB)',
  '9020e0': 'Pi 3 Model A+ Revision 1.0 (512 MB)',
  '9020e1': 'Pi 3 Model A+ Revision 1.1 (512 MB)',
  '902120': 'Pi Zero 2 W Revision 1.0 (512 MB)',
  '920092': 'Pi Zero Revision 1.2 (512 MB)',
  '920093': 'Pi Zero Revision 1.3 (512 MB)',
  a01040: 'Pi 2 Model B Revision 1.0 (1 GB)',
  a01041: 'Pi 2 Model B Revision 1.1 (1 GB)',
  a21041: 'Pi 2 Model B Revision 1.1 (1 GB)',
  a02042: 'Pi 2 Model B Revision 1.2 (1 GB)',
  a22042: 'Pi 2 Model B Revision 1.2 (1 GB)',
  a22083: 'Pi 3 Model B Revision 1.3 (1 GB)',
  a020d4: 'Pi 3 Model B+ Revision 1.4 (1 GB)',
  b03112: 'Model 4B Revision 1.2 (2 GB)',
  b03114: 'Model 4B Revision 1.4 (2 GB)',
  b03115: 'Model 4B Revision 1.5 (2 GB)',
  c03112: 'Model 4B Revision 1.2 (4 GB)',
  c03114: 'Model 4B Revision 1.4 (4 GB)',
  c03115: 'Model 4B Revision 1.5 (4 GB)',
  d03114: 'Model 4B Revision 1.4 (8 GB)',
  d03115: 'Model 4B Revision 1.5 (8 GB)',
  c03130: 'Pi 400 Revision 1.0 (4 GB)',
  c03141: 'Compute Module 4 Revision 1.1 (4 GB)',
  a03150: 'Compute Module 4S Revision 1.0 (1 GB)',
  b04171: 'Pi 5 Revision 1.1 (2 GB)',
  c04171: 'Pi 5 Revision 1.1 (4 GB)',
  d04171: 'Pi 5 Revision 1.1 (8 GB)',
  e04171: 'Pi 5 Revision 1.1 (16 GB)',
  b04180: 'Compute Module 5 Revision 1.0 (2 GB)',
  c04180: 'Compute Module 5 Revision 1.0 (4 GB)',
  d04180: 'Compute Module 5 Revision 1.0 (8 GB)',
  e04180: 'Compute Module 5 Revision 1.0 (16 GB)',
  d04190: 'Pi 500 Revision 1.0 (8 GB)',
  b041a0: 'Compute Module 5 Lite Revision 1.0 (2 GB)',
  d041a0: 'Compute Module 5 Lite Revision 1.0 (8 GB)',
};

for (const [code, name] of [...Object.entries(kept), ...Object.entries(decoded)]) test(code, () => assert.equal(boardName(code), name));

test('flags above bit 23 tell nothing of the board', () => {
  assert.equal(boardName('1000002'), 'Model B Revision 1.0');
  assert.equal(boardName('100000d'), 'Model B Revision 2.0 (512 MB)');
  assert.equal(boardName('2a02082'), 'Pi 3 Model B');
  assert.equal(boardName('80c03111'), 'Model 4B Revision 1.1 (4 GB)');
  assert.equal(boardName('ffd03115'), 'Model 4B Revision 1.5 (8 GB)');
});

test('capitals', () => assert.equal(boardName('A02082'), 'Pi 3 Model B'));

const unknown = [
  '',
  '0',
  '0000',
  '0001',
  '000a',
  '0016',
  '7fffff',
  'a020f0',
  'c03160',
  'c041b0',
  'f04170',
  '0xa02082',
  'a02082 ',
  'pi',
  '-2',
  '100a02082',
  '1e3.0',
];
for (const code of unknown) test(`unknown/${code}`, () => assert.equal(boardName(code), undefined));

test('any text gives a name or undefined', () => {
  fc.assert(fc.property(fc.string(), (text) => ['string', 'undefined'].includes(typeof boardName(text))));
  fc.assert(fc.property(fc.nat(0xffff_ffff), (code) => !boardName(code.toString(16))?.includes('undefined')));
});
