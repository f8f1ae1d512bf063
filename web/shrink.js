/**
 * shrink.js: scales photos down in the browser, to send fewer bytes over a slow connection.
 */

/** Quality of the JPEG that is sent; the service encodes it anew. */
const QUALITY = 0.9;
/** Photos with more pixels are sent as they are: decoding them takes more memory than a phone has to spare. */
const MAX_PIXELS = 64e6;
/** Bytes at the start of a photo that are searched for its header; thumbnails and profiles stand before it. */
const HEADER = 2 ** 18;

/**
 * Scales a JPEG down so that its longer edge has at most maxEdge pixels. It returns the
 * file itself where the result would not be sure to look the same, or would not be smaller:
 *
 * - PNG, WebP, GIF, AVIF and HEIC may be animated or transparent, or the browser cannot decode them;
 * - browsers disagree about the colors of CMYK;
 * - whether the browser turns the photo upright shows only where that swaps width and height.
 *
 * @param {Blob} file
 * @param {number} maxEdge  pixels
 * @returns {Promise<Blob>}
 */
export async function shrink(file, maxEdge) {
  const header = readHeader(new Uint8Array(await file.slice(0, HEADER).arrayBuffer()));
  if (!header || typeof OffscreenCanvas === 'undefined') return file;
  const { width, height, components, orientation } = header;
  const scale = maxEdge / Math.max(width, height);
  const turned = orientation > 4;
  if (scale >= 1 || components === 4 || width * height > MAX_PIXELS) return file;
  if (orientation !== 1 && (!turned || width === height)) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const upright = bitmap.width === (turned ? height : width) && bitmap.height === (turned ? width : height);
    const small = upright && await draw(bitmap, scale);
    bitmap.close();
    return small && small.size < file.size ? small : file;
  } catch {
    return file; // the service says what is wrong with it
  }
}

/** Halves the image until less than half is left to do: a browser that only looks at four pixels for each would skip some. */
async function draw(bitmap, scale) {
  const [width, height] = [bitmap.width, bitmap.height].map((edge) => Math.max(1, Math.round(edge * scale)));
  let source = bitmap;
  do {
    const canvas = new OffscreenCanvas(Math.max(width, source.width >> 1), Math.max(height, source.height >> 1));
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) return undefined;
    context.imageSmoothingQuality = 'high';
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    source = canvas;
  } while (source.width > width || source.height > height);
  return source.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
}

/**
 * Reads the size, the number of components and the Exif orientation of a JPEG (ISO/IEC 10918-1, Annex B).
 *
 * @param {Uint8Array} bytes  its start
 * @returns {{width: number, height: number, components: number, orientation: number} | undefined}
 */
export function readHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  try {
    if (view.getUint16(0) !== 0xffd8) return undefined;
    for (let at = 2; view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
      const marker = view.getUint8(at + 1);
      if (marker === 0xe1 && view.getUint32(at + 4) === 0x45786966) orientation = readOrientation(view, at + 10);
      // Any frame header, but not DHT, JPG and DAC, which stand among them.
      if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
        return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), components: view.getUint8(at + 9), orientation };
      }
    }
  } catch {
    // It ends too early.
  }
  return undefined;
}

/** Reads the orientation from Exif, which is a TIFF file; 1 is upright. */
function readOrientation(view, tiff) {
  const little = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, little);
  const entries = view.getUint16(directory, little);
  for (let entry = directory + 2; entry < directory + 2 + entries * 12; entry += 12) {
    if (view.getUint16(entry, little) === 0x112) return view.getUint16(entry + 8, little);
  }
  return 1;
}
