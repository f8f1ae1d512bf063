import { offerDeletion } from './deletion.js';
import { createPicture, fillAutoUrls, fillTable, markChosen } from './result.js';
import { bytes, typeName } from './words.js';

/** The widths at which style.css shows a picture (.window), for the browser's choice of a size. */
const OPEN = '(min-width: 60rem) 20rem, calc(92vw - 1rem)';
const FOLDED = '6rem';

/** The result of one upload: a small picture while it is folded, everything to use the images while it is open. */
export class Panel {
  #card;
  #preset;
  #name;
  #announce;
  #remove;
  #manifest;
  #find;
  #open = false;

  /**
   * @param {HTMLElement} card
   * @param {object} upload
   * @param {string} upload.name                 of the file
   * @param {import('./presize.js').Preset} upload.preset
   * @param {() => Promise<void>} upload.remove  deletes the upload
   * @param {(sentence: string) => void} upload.announce
   */
  constructor(card, { name, preset, remove, announce }) {
    this.#card = card;
    this.#name = name;
    this.#preset = preset;
    this.#remove = remove;
    this.#announce = announce;
    this.#find = (selector) => card.querySelector(selector);
    this.#find('.fold').setAttribute('aria-label', `Details of ${name}`);
    this.#find('.fold').addEventListener('click', () => this.open(!this.#open));
  }

  /**
   * Shows a manifest, and the next one in its place.
   *
   * @param {import('./presize.js').Manifest} manifest  with absolute URLs
   */
  async show(manifest) {
    this.#manifest = manifest;
    this.#find('.fold').hidden = false;
    if (this.#open) this.#fill();
    await this.#showPicture();
  }

  /** @param {boolean} open */
  open(open) {
    if (open === this.#open) return;
    this.#open = open;
    this.#card.toggleAttribute('data-open', open);
    this.#find('.fold').setAttribute('aria-expanded', String(open));
    this.#find('.fold').textContent = open ? 'Hide' : 'Show';
    if (!this.#manifest) return;
    if (open) this.#fill();
    this.#showPicture();
  }

  /** Makes the elements of the result when they are opened for the first time: hundreds of cards stay small. */
  #build() {
    const template = /** @type {HTMLTemplateElement} */ (document.querySelector('#result'));
    const parts = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const [deletion, result, use] = parts.children;
    this.#find('.actions').append(deletion);
    this.#find('.details').append(result);
    this.#card.append(use);
    this.#find('caption').textContent = `Variants of ${this.#name}`;
    this.#find('pre').setAttribute('aria-label', `Markup for ${this.#name}`);
    const copy = this.#find('.markup .copy');
    copy.setAttribute('aria-label', `Copy the markup for ${this.#name}`);
    copy.addEventListener('click', () => copyText(copy, this.#find('pre code'), 'Markup', this.#announce));
    this.#find('.host').addEventListener('change', () => this.#showMarkup());
    offerDeletion(/** @type {HTMLElement} */ (deletion), { name: this.#name, announce: this.#announce, remove: this.#remove });
  }

  #fill() {
    const { sizes, id, access } = this.#manifest;
    if (!this.#find('.result')) this.#build();
    fillTable(this.#find('table'), this.#manifest, this.#preset);
    fillAutoUrls(this.#find('.urls'), sizes, (button, url, size) => copyText(button, url, `URL for size ${size}`, this.#announce));
    this.#find('.auto').hidden = !this.#find('.urls').hasChildNodes();
    this.#find('.manifest').href = access ? `p/${id}/manifest.json?${access.query}` : `i/${id}/manifest.json`;
    this.#showMarkup();
  }

  #showMarkup() {
    const { picture } = this.#manifest;
    this.#find('pre code').textContent = this.#find('.host').checked ? picture : picture.replaceAll(`${location.origin}/`, '/');
  }

  /** Inserts the picture once it is decoded, so that it never appears half painted. */
  async #showPicture() {
    const { variants, original } = this.#manifest;
    const picture = createPicture(variants, this.#preset.formats, this.#name, this.#open ? OPEN : FOLDED, original.animated);
    const img = picture.querySelector('img');
    try {
      await img.decode();
    } catch {
      this.#find('.chosen').textContent = 'The picture could not be loaded.';
      return;
    }
    const before = this.#find('picture');
    if (before) before.replaceWith(picture);
    else {
      picture.className = 'fresh';
      this.#find('.window').append(picture);
    }
    this.#find('.window').dataset.loaded = '';
    if (this.#open) this.#showChosen(markChosen(img, variants, this.#find('table')));
  }

  #showChosen({ name, contentType, bytes: weight }) {
    const size = document.createElement('b');
    size.textContent = bytes(weight);
    const before = document.createElement('small');
    before.textContent = `instead of ${bytes(this.#manifest.original.bytes)}`;
    this.#find('.chosen').replaceChildren(`Your browser chose ${name} ${typeName(contentType)}`, size, before);
  }
}

/**
 * Copies the text of an element, and says so on the button.
 *
 * @param {HTMLElement} button
 * @param {Element} source
 * @param {string} what  its name for the announcement
 * @param {(sentence: string) => void} announce
 */
export async function copyText(button, source, what, announce) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = 'Copied';
    announce(`${what} copied.`);
    setTimeout(() => { button.textContent = 'Copy'; }, 2_000);
  } catch {
    // Without a secure context or the permission, the person's own copy command still works.
    getSelection().selectAllChildren(source);
    announce(`${what} selected. Copy it with your keyboard or menu.`);
  }
}
