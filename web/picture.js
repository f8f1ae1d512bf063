/**
 * picture.js: what a <picture> of an upload consists of, for those who build its elements themselves.
 */

/** @import {Manifest, Variant} from './presize.js' */

/**
 * @typedef {object} PictureSource
 * @property {string} type    a content type
 * @property {string} srcset
 * @property {string} [media] of an animation only WebP moves; the others are for people who prefer less motion
 *
 * @typedef {object} PictureParts
 * @property {PictureSource[]} sources  preferred first: a browser takes the first that it supports
 * @property {string} src               what every browser can show
 * @property {string} srcset            of the same format
 * @property {number} width             pixels, of src
 * @property {number} height            pixels
 */

/**
 * Returns the parts of an upload's <picture>, or nothing while there is no JPEG.
 *
 * @param {Manifest} manifest
 * @returns {PictureParts | undefined}
 */
export function pictureParts({ variants = [], original }) {
  const jpegs = variants.filter(({ contentType }) => contentType === 'image/jpeg');
  if (jpegs.length === 0) return undefined;
  const { url, width, height } = jpegs.reduce((a, b) => (b.width > a.width ? b : a));
  const types = new Set(variants.map(({ contentType }) => contentType).filter((type) => type !== 'image/jpeg'));
  const sources = [...types].map((type) => ({
    type,
    srcset: candidates(variants.filter(({ contentType }) => contentType === type)),
    ...(original?.animated && type !== 'image/webp' && { media: '(prefers-reduced-motion: reduce)' }),
  }));
  return { sources, src: url, srcset: candidates(jpegs), width, height };
}

/**
 * Returns a srcset. Sizes larger than the original give the same image; it has the first of them.
 *
 * @param {Variant[]} variants
 */
function candidates(variants) {
  const distinct = variants.filter(({ width }, at) => variants.findIndex((other) => other.width === width) === at);
  return distinct.map(({ url, width }) => `${url} ${width}w`).join(', ');
}
