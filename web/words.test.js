import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bytes, list, percent, plural, typeName } from './words.js';

for (const [count, want] of [
  [0, '0 bytes'], [1, '1 byte'], [999, '999 bytes'], [1000, '1 kB'], [20_111, '20.1 kB'],
  [999_499, '999 kB'], [999_999, '1 MB'], [3_970_480, '3.97 MB'], [52_428_800, '52.4 MB'], [5e12, '5,000 GB'],
]) {
  it(`shows ${count} bytes as ${want}`, () => assert.equal(bytes(count), want));
}

for (const [share, want] of [[0.941, '94 %'], [0.9999, '99 %'], [1, '100 %'], [0, '0 %'], [-0.12, '−12 %']]) {
  it(`shows a share of ${share} as ${want}`, () => assert.equal(percent(share), want));
}

it('names types as people do', () => {
  assert.deepEqual(['image/avif', 'image/webp', 'image/jpeg'].map(typeName), ['AVIF', 'WebP', 'JPEG']);
});

it('lists and counts in words', () => {
  assert.equal(list(['AVIF', 'WebP', 'JPEG']), 'AVIF, WebP and JPEG');
  assert.deepEqual([plural(1, 'image'), plural(12, 'image')], ['1 image', '12 images']);
});
