/**
 * sniff.js: what a file is, by its first bytes, as the service tells it too. Systems and programs
 * often name a type that the file is not of, or none at all.
 */

/** Bytes at the start of a file that {@link sniff} looks at. */
export const SNIFF_LENGTH = 512;
/** The longest file name that the service takes (bytes of UTF-8). */
const LONGEST_NAME = 255;
/** What a file is whose type nobody knows. */
const UNKNOWN = 'application/octet-stream';
/** Types by file name extension, for files whose bytes say nothing. */
const TYPES = {
  __proto__: null, // what is called x.constructor has no type
  jpg: 'image/jpeg', jpeg: 'image/jpeg', jpe: 'image/jpeg', jfif: 'image/jpeg', png: 'image/png', webp: 'image/webp',
  avif: 'image/avif', gif: 'image/gif', tif: 'image/tiff', tiff: 'image/tiff',
  heic: 'image/heic', heics: 'image/heic', heif: 'image/heif', hif: 'image/heif',
};
/** Brands of an ISO base media file (ISO/IEC 14496-12 §4.3) that name a codec: those of AV1, and of HEVC. */
const CODED = /^(?:avi[fs]|he[iv][cxms])$/;
/** Brands of images that are coded in any way. */
const GENERIC = /^(?:mif[12]|msf1)$/;

/**
 * @param {Uint8Array} head  the first bytes of a file
 * @returns {string | undefined}  its media type, if it is an image that the service accepts
 */
export function sniff(head) {
  const text = String.fromCharCode(...head.subarray(0, SNIFF_LENGTH));
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (/^GIF8[79]a/.test(text)) return 'image/gif';
  if (/^(?:II[*+]\0|MM\0[*+])/.test(text)) return 'image/tiff';
  if (/^RIFF[^]{4}WEBP/.test(text)) return 'image/webp';
  if (text.slice(4, 8) === 'ftyp' && text.length >= 16) return sniffBrands(text);
  return undefined;
}

/** The major brand comes first; the minor version stands between it and the others. */
function sniffBrands(text) {
  const size = text.charCodeAt(0) * 2 ** 24 + text.charCodeAt(1) * 2 ** 16 + text.charCodeAt(2) * 2 ** 8 + text.charCodeAt(3);
  const brands = [text.slice(8, 12), ...(text.slice(16, size).match(/[^]{4}/g) ?? [])];
  const coded = brands.find((brand) => CODED.test(brand));
  if (coded) return coded.startsWith('a') ? 'image/avif' : 'image/heic';
  return brands.some((brand) => GENERIC.test(brand)) ? 'image/heif' : undefined;
}

/**
 * The type to declare: that of the bytes, or else what the system says, or else what the name does.
 *
 * @param {{name?: string, type: string}} file
 * @param {Uint8Array} head  its first bytes
 */
export function declare({ name, type }, head) {
  const extension = name?.split('.').pop()?.toLowerCase() ?? '';
  return sniff(head) ?? ((type !== UNKNOWN && type) || TYPES[extension] || UNKNOWN);
}

/** Cuts a file name to what the service takes, but for its extension. */
export function cutName(name) {
  const bytes = new TextEncoder();
  if (!name || bytes.encode(name).length <= LONGEST_NAME) return name;
  const extension = /\.\w{1,10}$/.exec(name)?.[0] ?? '';
  const { read } = bytes.encodeInto(name, new Uint8Array(LONGEST_NAME - extension.length));
  return name.slice(0, read) + extension;
}
