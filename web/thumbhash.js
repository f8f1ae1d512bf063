/**
 * Decodes ThumbHashes (https://evanw.github.io/thumbhash/): an image's blur in
 * some 25 bytes, as the first few terms of its cosine transform.
 *
 * A hash is one stream of bits, the lowest of each byte first: the mean of every
 * channel, the scale of its coefficients, the shape, then the coefficients.
 */

/** The longer side of a decoded image, in pixels. */
const SIDE = 32;

/**
 * Decodes a hash to pixels.
 *
 * @param {Uint8Array} hash
 * @returns {{width: number, height: number, rgba: Uint8ClampedArray<ArrayBuffer>}}  alpha is not premultiplied
 * @throws {RangeError}  if the bytes are not a ThumbHash
 */
export function decode(hash) {
  const bits = reader(hash);
  const mean = { l: bits(6) / 63, p: bits(6) / 31.5 - 1, q: bits(6) / 31.5 - 1, a: 1 };
  const scale = { l: bits(5) / 31, p: 0, q: 0, a: 0 };
  const hasAlpha = bits(1) === 1;
  const shorter = bits(3);
  // Few coefficients lose saturation to rounding; the format gives it back with a quarter more.
  scale.p = (bits(6) / 63) * 1.25;
  scale.q = (bits(6) / 63) * 1.25;
  const longer = hasAlpha ? 5 : 7;
  const [across, down] = bits(1) === 1 ? [longer, shorter] : [shorter, longer];
  if (hasAlpha) {
    mean.a = bits(4) / 15;
    scale.a = bits(4) / 15;
  }
  if (shorter === 0) throw new RangeError('thumbhash: an image without a side');

  const width = Math.round(SIDE * Math.min(1, across / down));
  const height = Math.round(SIDE * Math.min(1, down / across));
  const read = (dc, amplitude, columns, rows) => channel(bits, dc, amplitude, columns, rows, width, height);
  const l = read(mean.l, scale.l, Math.max(3, across), Math.max(3, down));
  const p = read(mean.p, scale.p, 3, 3);
  const q = read(mean.q, scale.q, 3, 3);
  const a = hasAlpha ? read(mean.a, scale.a, 5, 5) : () => 1;

  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      // l is the mean of the three colours, p is yellow against blue, q is red against green.
      const [light, redness] = [l(x, y), q(x, y)];
      const blue = light - (2 / 3) * p(x, y);
      const red = (3 * light - blue + redness) / 2;
      rgba.set([red * 255, (red - redness) * 255, blue * 255, a(x, y) * 255], at);
    }
  }
  return { width, height, rgba };
}

/**
 * Draws a hash on a canvas, which takes the decoded image's size; CSS stretches it.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} thumbhash  base64
 * @throws {RangeError | DOMException}  if it is not a ThumbHash in base64
 */
export function draw(canvas, thumbhash) {
  const { width, height, rgba } = decode(Uint8Array.from(atob(thumbhash), (c) => c.charCodeAt(0)));
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
}

/** Returns a function that takes the next n bits of the hash as a number. */
function reader(hash) {
  let at = 0;
  return (n) => {
    if (at + n > hash.length * 8) throw new RangeError('thumbhash: too short');
    let value = 0;
    for (let i = 0; i < n; i++, at++) value |= ((hash[at >> 3] >> (at & 7)) & 1) << i;
    return value;
  };
}

/**
 * Reads one channel's coefficients, and returns the function from a pixel to its
 * value. Only the low frequencies are stored: the triangle below the diagonal.
 */
function channel(bits, mean, scale, columns, rows, width, height) {
  const wave = (frequency, length) => Array.from({ length }, (_, i) => Math.cos((Math.PI * frequency * (i + 0.5)) / length));
  const terms = [];
  for (let v = 0; v < rows; v++) {
    for (let u = v === 0 ? 1 : 0; u * rows < columns * (rows - v); u++) {
      terms.push({ amplitude: 2 * scale * (bits(4) / 7.5 - 1), across: wave(u, width), down: wave(v, height) });
    }
  }
  return (x, y) => terms.reduce((sum, { amplitude, across, down }) => sum + amplitude * across[x] * down[y], mean);
}
