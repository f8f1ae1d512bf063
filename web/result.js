import { bytes, percent, typeName } from './words.js';

/** @typedef {import('./presize.js').Variant} Variant */

/**
 * Makes the <picture> of an upload.
 *
 * @param {Variant[]} variants
 * @param {string[]} formats  preferred first: a browser takes the first source that it supports
 * @param {string} alt
 * @param {string} sizes  how wide it is shown
 * @param {boolean} [animated]  only WebP is animated; the others are for people who prefer less motion
 */
export function createPicture(variants, formats, alt, sizes, animated) {
  const picture = document.createElement('picture');
  const img = document.createElement('img');
  const { width, height, url } = largest(variants);
  Object.assign(img, { alt, width, height });
  for (const format of formats) {
    const srcset = candidates(variants.filter(({ contentType }) => contentType === format));
    if (!srcset) continue;
    const isFallback = format === 'image/jpeg';
    const target = isFallback ? img : picture.appendChild(document.createElement('source'));
    Object.assign(target, { sizes, srcset }, isFallback ? { src: url } : { type: format });
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
 * Adds the missing rows to a table of variants, in the preset's order, with one tbody for
 * each size that differs from the one before. Existing rows stay, and with them the focus.
 *
 * @param {HTMLTableElement} table
 * @param {import('./presize.js').Manifest} manifest
 * @param {import('./presize.js').Preset} preset
 */
export function fillTable(table, { variants, original }, { sizes, formats }) {
  const heaviest = Math.max(...variants.map((variant) => variant.bytes));
  alike(sizes, variants).forEach((names, at) => {
    const group = table.tBodies[at] ?? table.createTBody();
    const ordered = formats.flatMap((format) => variants.filter((v) => v.name === names[0] && v.contentType === format));
    ordered.forEach((variant, place) => {
      const { rows } = group;
      if (rows[place]?.dataset.url === variant.url) return;
      const same = variants.filter(({ name, contentType }) => names.includes(name) && contentType === variant.contentType);
      group.insertBefore(row(variant, same, original.bytes, heaviest), rows[place] ?? null);
    });
  });
}

/**
 * Groups the names of sizes that came out as the same image, because the original is smaller.
 *
 * @param {{name: string}[]} sizes
 * @param {{name: string, width: number, height: number}[]} images
 * @returns {string[][]}
 */
export function alike(sizes, images) {
  const groups = new Map();
  for (const { name } of sizes) {
    const image = images.find((other) => other.name === name);
    if (!image) continue;
    const extent = `${image.width} × ${image.height}`;
    groups.set(extent, [...groups.get(extent) ?? [], name]);
  }
  return [...groups.values()];
}

/**
 * Lists the auto URLs of the sizes, those of one image once. An animation has none.
 *
 * @param {HTMLUListElement} list
 * @param {import('./presize.js').Size[]} sizes
 * @param {(button: HTMLButtonElement, source: HTMLElement, size: string) => void} copy  what a button does
 */
export function fillAutoUrls(list, sizes, copy) {
  const withUrl = sizes.filter(({ autoUrl }) => autoUrl);
  const items = alike(withUrl, withUrl).map((names) => {
    const { name, autoUrl } = withUrl.find((size) => size.name === names[0]);
    const link = document.createElement('a');
    link.href = autoUrl;
    link.textContent = names.join(', ');
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

/** Makes the row of an image, with a link for each size that it is. */
function row(variant, same, originalBytes, heaviest) {
  const tr = document.createElement('tr');
  tr.dataset.type = variant.contentType;
  tr.dataset.url = variant.url;

  const name = document.createElement('th');
  name.scope = 'row';
  for (const { name: size, url } of same) {
    const link = document.createElement('a');
    link.href = url;
    link.textContent = size;
    name.append(link, ' ');
  }

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
