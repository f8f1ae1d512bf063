import { bytes, percent, typeName } from './words.js';

/** The width at which style.css shows a picture (.window), for the browser's choice of a size. */
const SIZES = '(min-width: 60rem) 20rem, calc(92vw - 1rem)';

/** @typedef {import('./presize.js').Variant} Variant */

/**
 * Makes the <picture> of an upload.
 *
 * @param {Variant[]} variants
 * @param {string[]} formats  preferred first: a browser takes the first source that it supports
 * @param {string} alt
 * @param {boolean} [animated]  only WebP is animated; the others are for people who prefer less motion
 */
export function createPicture(variants, formats, alt, animated) {
  const picture = document.createElement('picture');
  const img = document.createElement('img');
  const { width, height, url } = largest(variants);
  Object.assign(img, { alt, width, height });
  for (const format of formats) {
    const srcset = candidates(variants.filter(({ contentType }) => contentType === format));
    if (!srcset) continue;
    const isFallback = format === 'image/jpeg';
    const target = isFallback ? img : picture.appendChild(document.createElement('source'));
    Object.assign(target, { sizes: SIZES, srcset }, isFallback ? { src: url } : { type: format });
    if (animated && !isFallback && format !== 'image/webp') target.media = '(prefers-reduced-motion: reduce)';
  }
  picture.append(img);
  return picture;
}

/** Returns a srcset. Sizes larger than the original give the same image; it has the first of them. */
function candidates(variants) {
  const distinct = variants.filter(({ width }, at) => variants.findIndex((other) => other.width === width) === at);
  return distinct.map(({ url, width }) => `${url} ${width}w`).join(', ');
}

/**
 * Returns the JPEG that every browser can show, in its largest size.
 *
 * @param {Variant[]} variants
 */
export function largest(variants) {
  const jpegs = variants.filter(({ contentType }) => contentType === 'image/jpeg');
  return jpegs.reduce((a, b) => (b.width > a.width ? b : a));
}

/**
 * Returns the variant that the browser chose for an image, once it has loaded, and
 * marks its row.
 *
 * @param {HTMLImageElement} img
 * @param {Variant[]} variants
 * @param {HTMLTableElement} table
 */
export function markChosen(img, variants, table) {
  const variant = variants.find(({ url }) => new URL(url, img.baseURI).href === img.currentSrc);
  for (const tr of table.querySelectorAll('tbody tr')) {
    if (tr.dataset.url === variant.url) tr.setAttribute('aria-current', 'true');
    else tr.removeAttribute('aria-current');
  }
  return variant;
}

/**
 * Adds the missing rows to a table of variants, in the preset's order, with one tbody per
 * size. Existing rows stay, and with them the focus.
 *
 * @param {HTMLTableElement} table
 * @param {import('./presize.js').Manifest} manifest
 * @param {import('./presize.js').Preset} preset
 */
export function fillTable(table, { variants, original }, { sizes, formats }) {
  const heaviest = Math.max(...variants.map((variant) => variant.bytes));
  sizes.forEach(({ name }, at) => {
    const group = table.tBodies[at] ?? table.createTBody();
    const ordered = formats.flatMap((format) => variants.filter((v) => v.name === name && v.contentType === format));
    ordered.forEach((variant, place) => {
      const { rows } = group;
      if (rows[place]?.dataset.url === variant.url) return;
      group.insertBefore(row(variant, original.bytes, heaviest), rows[place] ?? null);
    });
  });
}

/**
 * Lists the auto URLs of the sizes. An animation has none.
 *
 * @param {HTMLUListElement} list
 * @param {import('./presize.js').Size[]} sizes
 * @param {(button: HTMLButtonElement, source: HTMLElement, size: string) => void} copy  what a button does
 */
export function fillAutoUrls(list, sizes, copy) {
  const items = sizes.filter(({ autoUrl }) => autoUrl).map(({ name, autoUrl }) => {
    const link = document.createElement('a');
    link.href = autoUrl;
    link.textContent = name;
    const url = document.createElement('code');
    url.textContent = link.href; // with the host, to be pasted anywhere
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'button', textContent: 'Copy' });
    button.addEventListener('click', () => copy(button, url, name));
    button.setAttribute('aria-label', `Copy the URL for size ${name}`);
    const item = document.createElement('li');
    item.append(link, url, button);
    return item;
  });
  list.replaceChildren(...items);
}

function row(variant, originalBytes, heaviest) {
  const tr = document.createElement('tr');
  tr.dataset.type = variant.contentType;
  tr.dataset.url = variant.url;

  const link = document.createElement('a');
  link.href = variant.url;
  link.textContent = variant.name;
  const name = document.createElement('th');
  name.scope = 'row';
  name.append(link);

  const weight = cell(bytes(variant.bytes), 'number weight');
  weight.style.setProperty('--share', String(variant.bytes / heaviest));
  tr.append(
    name,
    cell(typeName(variant.contentType)),
    cell(`${variant.width} × ${variant.height}`, 'number'),
    weight,
    cell(percent(1 - variant.bytes / originalBytes), 'number'),
  );
  return tr;
}

function cell(text, className = '') {
  const td = document.createElement('td');
  td.textContent = text;
  td.className = className;
  return td;
}
