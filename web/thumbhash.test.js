import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { decode, draw } from './thumbhash.js';

/** What the reference implementation of the format makes of some hashes: [x, y, r, g, b, a] each. */
const REFERENCE = JSON.parse(readFileSync(new URL('testdata/thumbhash.json', import.meta.url), 'utf8'));

const fromBase64 = (text) => new Uint8Array(Buffer.from(text, 'base64'));

describe('decode', () => {
  for (const { name, hash, width, height, samples } of REFERENCE) {
    it(`agrees with the reference: ${name}`, () => {
      const image = decode(fromBase64(hash));
      assert.deepEqual([image.width, image.height, image.rgba.length], [width, height, width * height * 4]);
      for (const [x, y, ...want] of samples) {
        const at = (y * width + x) * 4;
        // The reference truncates where this decoder rounds.
        image.rgba.subarray(at, at + 4).forEach((value, i) => assert.ok(Math.abs(value - want[i]) <= 1, `${x},${y}: ${value} for ${want}`));
      }
    });
  }

  it('turns a hash without variation into one color', () => {
    // Lightness 63/63, both color axes as near to neutral as six bits allow, every scale 0.
    const { rgba } = decode(new Uint8Array([0b11_111111, 0b1111_0111, 0b0_00000_01, 0b00000_111, 0, ...Array(20).fill(0x88)]));
    const first = rgba.subarray(0, 4);
    assert.ok(first.every((value) => value > 245), String(first));
    for (let at = 0; at < rgba.length; at += 4) assert.deepEqual(rgba.subarray(at, at + 4), first);
  });

  it('refuses every hash that is cut short', () => {
    for (const { hash } of REFERENCE) {
      const bytes = fromBase64(hash);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => decode(bytes.subarray(0, length)), RangeError, `${length} of ${bytes.length} bytes`);
      }
    }
  });

  it('returns an image or a RangeError for any bytes', () => {
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 2147483647) % 256; // the same bytes in every run
    for (let round = 0; round < 2_000; round++) {
      const bytes = Uint8Array.from({ length: random() % 40 }, random);
      try {
        const { width, height, rgba } = decode(bytes);
        assert.ok(width >= 1 && width <= 32 && height >= 1 && height <= 32, `${bytes}`);
        assert.equal(rgba.length, width * height * 4);
      } catch (error) {
        assert.ok(error instanceof RangeError, `${bytes}: ${error}`);
      }
    }
  });
});

describe('draw', () => {
  it('puts the decoded pixels on the canvas', (t) => {
    const drawn = [];
    const canvas = { getContext: () => ({ putImageData: (...args) => drawn.push(args) }) };
    globalThis.ImageData = class {
      constructor(...args) {
        this.args = args;
      }
    };
    t.after(() => delete globalThis.ImageData);
    const { hash, width, height } = REFERENCE[0];
    draw(canvas, hash);
    assert.deepEqual([canvas.width, canvas.height], [width, height]);
    const [[image, x, y]] = drawn;
    assert.deepEqual(image.args, [decode(fromBase64(hash)).rgba, width, height]);
    assert.deepEqual([x, y, drawn.length], [0, 0, 1]);
  });
});
