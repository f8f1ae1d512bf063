import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cutName, declare, sniff } from './sniff.js';

const bytes = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const ftyp = (...brands) => bytes(`\0\0\0${String.fromCharCode(12 + 4 * brands.length)}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}mdatavif`);

describe('sniff', () => {
  for (const [name, head, want] of [
    ['JPEG', bytes('\xff\xd8\xff\xe1'), 'image/jpeg'],
    ['PNG', bytes('\x89PNG\r\n\x1a\n\0\0'), 'image/png'],
    ['GIF', bytes('GIF89a'), 'image/gif'],
    ['little-endian TIFF', bytes('II*\0'), 'image/tiff'],
    ['big-endian BigTIFF', bytes('MM\0+'), 'image/tiff'],
    ['WebP', bytes('RIFF\x10\0\0\0WEBPVP8 '), 'image/webp'],
    ['AVIF', ftyp('avif', 'mif1'), 'image/avif'],
    ['AVIF behind a generic brand', ftyp('mif1', 'avif'), 'image/avif'],
    ['an AVIF sequence', ftyp('avis'), 'image/avif'],
    ...['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs'].map((brand) => [brand, ftyp(brand, 'mif1'), 'image/heic']),
    ...['mif1', 'mif2', 'msf1'].map((brand) => [brand, ftyp(brand, 'miaf'), 'image/heif']),
    ['a brand of neither', ftyp('heif', 'avio'), undefined],
    ['a brand behind the box', ftyp('mp42', 'isom'), undefined],
    ['the minor version is no brand', bytes('\0\0\0\x14ftypmp42heicisom'), undefined],
    ['text', bytes('a letter'), undefined],
    ['nothing', bytes(''), undefined],
  ]) {
    it(`takes ${name} for ${want}`, () => assert.equal(sniff(head), want));
  }
});

describe('declare', () => {
  for (const [name, type, head, want] of [
    ['a.jpg', 'image/jpeg', '\x89PNG\r\n\x1a\n', 'image/png'],
    ['a.heic', 'application/octet-stream', '\xff\xd8\xff\xe0', 'image/jpeg'],
    ['a.jpe', '', 'x', 'image/jpeg'],
    ['a.HIF', '', 'x', 'image/heif'],
    ['a.heics', 'application/octet-stream', 'x', 'image/heic'],
    ['a.xyz', 'image/bmp', 'BM', 'image/bmp'],
    ['a', '', '', 'application/octet-stream'],
    ['a.constructor', '', 'x', 'application/octet-stream'],
    ['a.__proto__', '', 'x', 'application/octet-stream'],
  ]) {
    it(`calls ${name} of type "${type}" ${want}`, () => assert.equal(declare({ name, type }, bytes(head)), want));
  }
});

describe('cutName', () => {
  for (const [name, want] of [
    ['short.jpg', 'short.jpg'],
    [undefined, undefined],
    [`${'a'.repeat(300)}.jpeg`, `${'a'.repeat(250)}.jpeg`],
    [`${'ä'.repeat(200)}.png`, `${'ä'.repeat(125)}.png`],
    [`${'🌅'.repeat(80)}`, `${'🌅'.repeat(63)}`],
  ]) {
    it(`keeps ${name?.length ?? 'no'} characters within 255 bytes`, () => assert.equal(cutName(name), want));
  }
});
