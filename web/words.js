/** Formats numbers and names for people. */

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

/** @param {number} count  in bytes, shown with three digits and units of 1000 */
export function bytes(count) {
  const rounded = Number(count.toPrecision(3));
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(rounded || 1) / 3)));
  const unitDisplay = power === 0 ? 'long' : 'short';
  return new Intl.NumberFormat('en', { style: 'unit', unit: UNITS[power], unitDisplay }).format(rounded / 1000 ** power);
}

/** @param {number} share  from 0 to 1; negative if a variant is larger than its original */
export function percent(share) {
  // Rounded down, so that it never shows 100 %.
  return `${Math.floor(share * 100)} %`.replace('-', '−');
}

/** @param {string} contentType */
export function typeName(contentType) {
  const subtype = contentType.replace('image/', '');
  return subtype === 'webp' ? 'WebP' : subtype.toUpperCase();
}

/** @param {string[]} words */
export function list(words) {
  return new Intl.ListFormat('en-GB').format(words);
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
