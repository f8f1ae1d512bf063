import { offerDeletion } from './deletion.js';
import { UploadError, complete, createSecret, deleteUpload, getUpload, upload } from './presize.js';
import { createPicture, fillAutoUrls, fillTable, largest, markChosen } from './result.js';
import { draw } from './thumbhash.js';
import { bytes, plural, typeName } from './words.js';

/** How long to wait for AVIF once the rest is ready (ms). */
const AVIF_PATIENCE = 5 * 60_000;

/** The texts of a card for the phases of an upload. */
const PHASES = {
  restoring: () => 'Uploaded before. Loading its images',
  queued: () => 'Waiting for other uploads',
  hashing: () => 'Computing the checksum',
  granting: () => 'Requesting a grant',
  uploading: ({ loaded, total }) => `Uploading, ${bytes(loaded)} of ${bytes(total)}`,
  processing: () => 'Uploaded. Rendering every size',
};

/** One file on the page. */
export class Card {
  #file;
  #preset;
  #run;
  #announce;
  #kept;
  /** @type {string} */
  #id;
  /** One upload however often it is tried: the service knows it again by its secret. */
  #secret = createSecret();
  #controller = new AbortController();
  /** What the retry button does. */
  #again = () => this.start();
  #find;

  /**
   * @param {File | {name: string, size: number}} file  without its bytes for an upload that was done before
   * @param {import('./presize.js').Preset} preset
   * @param {number} number  of the frame on the contact sheet
   * @param {object} page
   * @param {(job: () => Promise<any>, signal: AbortSignal) => Promise<any>} page.run
   * @param {(sentence: string) => void} page.announce
   * @param {ReturnType<import('./kept.js').keptUploads>} page.kept
   */
  constructor(file, preset, number, { run, announce, kept }) {
    this.#file = file;
    this.#preset = preset;
    this.#run = run;
    this.#kept = kept;
    this.#announce = (sentence) => announce(`${file.name}: ${sentence}`);

    const template = /** @type {HTMLTemplateElement} */ (document.querySelector('#card'));
    this.element = /** @type {HTMLElement} */ (template.content.cloneNode(true)).firstElementChild;
    const root = this.element;
    this.#find = (selector) => root.querySelector(selector);
    this.#label(number);
    this.#find('.cancel').addEventListener('click', () => this.#controller.abort());
    this.#find('.retry').addEventListener('click', () => this.#again());
    this.#find('.copy').addEventListener('click', ({ currentTarget }) => this.#copy(currentTarget, this.#find('pre code'), 'Markup'));
  }

  /** Labels everything in the card with the file's name, for screen readers. */
  #label(number) {
    const { name, size } = this.#file;
    this.#find('.edge .number').textContent = String(number).padStart(2, '0');
    this.#find('.name').textContent = name;
    this.#find('.name').id = `upload-${number}`;
    this.#find('.upload').setAttribute('aria-labelledby', `upload-${number}`);
    this.#find('.facts').textContent = `${bytes(size)}, preset ${this.#preset.name}`;
    this.#find('caption').textContent = `Variants of ${name}`;
    this.#find('progress').setAttribute('aria-label', `Progress of ${name}`);
    this.#find('pre').setAttribute('aria-label', `Markup for ${name}`);
    this.#find('.cancel').setAttribute('aria-label', `Cancel ${name}`);
    this.#find('.retry').setAttribute('aria-label', `Try again: ${name}`);
    this.#find('.copy').setAttribute('aria-label', `Copy the markup for ${name}`);
  }

  /** Uploads the file and shows the progress. */
  async start() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#again = () => this.start();
    this.#showProgress({ phase: 'queued' });
    try {
      const manifest = await this.#run(() => {
        this.#preview();
        return upload(this.#file, {
          preset: this.#preset.name,
          secret: this.#secret,
          signal,
          onGranted: ({ id }) => this.#granted(id),
          onProgress: (progress) => this.#showProgress(progress),
        });
      }, signal);
      await this.#finish(manifest);
    } catch (error) {
      if (signal.aborted) this.#settle('cancelled', 'Cancelled.');
      else this.#refuse(error);
    }
  }

  /** Keeps what it takes to find and to delete the upload after a reload. */
  #granted(id) {
    this.#id = id;
    this.#kept.keep({ id, secret: this.#secret, name: this.#file.name, preset: this.#preset.name });
  }

  /**
   * Shows an upload that was done before.
   *
   * @param {import('./kept.js').Kept} upload
   */
  async restore({ id, secret }) {
    this.#id = id;
    this.#secret = secret;
    this.#again = () => this.restore({ id, secret });
    this.#showProgress({ phase: 'restoring' });
    this.#find('.cancel').hidden = true;
    try {
      const manifest = await getUpload(id, { secret });
      this.#file.size = manifest.original.bytes;
      if (manifest.status === 'ready') await this.#finish(manifest);
      else if (manifest.status === 'processing') await this.#finish(await complete(id, { secret, signal: AbortSignal.timeout(AVIF_PATIENCE) }));
      else this.#remove();
    } catch (error) {
      if (error?.code === 'upload-not-found') this.#remove(); // it never arrived, or was deleted elsewhere
      else this.#refuse(error);
    }
  }

  /** Takes the upload off the page and forgets it. */
  #remove() {
    this.#kept.forget(this.#id);
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    const focused = this.element.contains(document.activeElement);
    this.element.remove();
    if (focused) /** @type {HTMLElement} */ ((next ?? document).querySelector('.name, #contact-sheet-title')).focus();
  }

  /** Shows a manifest that is ready, and the complete one when it comes. */
  async #finish(manifest) {
    const images = plural(manifest.variants.length, 'image');
    this.#showResult(manifest);
    if (manifest.complete) this.#settle('complete', `All ${images} are ready.`);
    else this.#settle('ready', `${images} are ready. AVIF is being rendered.`);
    await this.#showPicture(manifest);
    if (!manifest.complete) await this.#awaitComplete(manifest);
  }

  async #awaitComplete(manifest) {
    let all;
    try {
      all = await complete(manifest.id, { secret: this.#secret, signal: AbortSignal.timeout(AVIF_PATIENCE) });
    } catch {
      this.#again = () => this.#finish(manifest);
      this.#settle('ready', 'WebP and JPEG are ready. AVIF is not ready yet.', { retry: true });
      return;
    }
    await this.#finish(all);
  }

  /**
   * Shows an error: as rejected if it is the file's fault and a retry is useless, else as
   * failed, with a retry button.
   */
  #refuse(error) {
    if (!(error instanceof UploadError)) reportError(error); // a bug of this page, for the console
    const { message, retryable = true, problem } = error;
    const fields = (problem?.errors ?? []).filter(({ detail }) => !message.includes(detail)); // without those that the message has already
    this.#find('.field-errors').replaceChildren(...fields.map(({ pointer, detail }) => {
      const item = document.createElement('li');
      item.textContent = `${pointer.replace('#/', '')}: ${detail}`;
      return item;
    }));
    this.#find('.field-errors').hidden = fields.length === 0;
    this.#find('.reference').textContent = problem?.instance ?? '';
    this.#find('.reference').hidden = !problem?.instance;
    if (!retryable && this.#id) this.#kept.forget(this.#id); // there is nothing to come back to
    this.#settle(retryable ? 'failed' : 'rejected', message, { retry: retryable });
  }

  /** @param {{phase: string, loaded?: number, total?: number}} progress */
  #showProgress({ phase, loaded, total }) {
    const bar = this.#find('progress');
    if (phase === 'hashing' || phase === 'uploading') bar.value = total ? loaded / total : 0;
    else bar.removeAttribute('value');
    this.#show(phase, PHASES[phase]({ loaded, total }), { working: true });
  }

  /** Shows and announces a state in which the card stays. */
  #settle(state, message, { retry = state === 'cancelled' } = {}) {
    this.#show(state, message, { retry });
    this.#announce(message);
  }

  #show(state, message, { working = false, retry = false }) {
    const focused = document.activeElement;
    this.#find('.upload').dataset.state = state;
    this.#find('.message').textContent = message;
    this.#find('progress').hidden = !working;
    this.#find('.cancel').hidden = !working;
    this.#find('.retry').hidden = !retry;
    if (working) {
      this.#find('.field-errors').hidden = true;
      this.#find('.reference').hidden = true;
    }
    // A button that is hidden would take the keyboard's place on the page with it.
    if (this.element.contains(focused) && focused.closest('[hidden]')) {
      const next = this.#find('.actions button:not([hidden])') ?? this.#find('.name');
      next.focus();
    }
  }

  /** Shows the file itself while it is on its way, where the browser can. */
  #preview() {
    const preview = this.#find('.preview');
    const url = URL.createObjectURL(this.#file);
    preview.onload = () => {
      URL.revokeObjectURL(url);
      preview.hidden = false;
    };
    preview.onerror = () => URL.revokeObjectURL(url);
    preview.src = url;
  }

  #showResult(manifest) {
    const { placeholder, variants, sizes, picture, original, id, access } = manifest;
    const { width, height } = largest(variants);
    const frame = this.#find('.window').style;
    frame.setProperty('--ratio', String(width / height));
    frame.maxWidth = `${width}px`;
    if (placeholder) this.#showPlaceholder(placeholder);

    const size = original.width ? `${original.width} × ${original.height} ` : '';
    const frames = original.animated ? `, ${plural(original.frames, 'frame')}` : '';
    this.#find('.facts').textContent = `${size}${typeName(original.contentType)}${frames}, ${bytes(original.bytes)}, preset ${manifest.preset}`;
    fillTable(this.#find('table'), manifest, this.#preset);
    const copyUrl = (button, url, size) => this.#copy(button, url, `URL for size ${size}`);
    fillAutoUrls(this.#find('.urls'), sizes, copyUrl);
    this.#find('.auto').hidden = !this.#find('.urls').hasChildNodes();
    this.#find('pre code').textContent = picture;
    this.#find('.manifest').href = access ? `p/${id}/manifest.json?${access.query}` : `api/v1/uploads/${id}`;
    this.#find('.result').hidden = false;
    if (this.#find('.deletion').hidden) this.#offerDeletion();
  }

  #offerDeletion() {
    offerDeletion(this.#find('.deletion'), {
      name: this.#file.name,
      announce: this.#announce,
      remove: async () => {
        await deleteUpload(this.#id, { secret: this.#secret });
        this.#announce('Deleted.');
        this.#remove();
      },
    });
  }

  #showPlaceholder({ thumbhash, color }) {
    const canvas = this.#find('.placeholder');
    this.#find('.window').style.setProperty('--color', color);
    try {
      draw(canvas, thumbhash);
      canvas.hidden = false;
    } catch {
      // The color alone is a placeholder too.
    }
  }

  /** Inserts the picture once it is decoded, so that it never appears half painted. */
  async #showPicture({ variants, original }) {
    const picture = createPicture(variants, this.#preset.formats, this.#file.name, original.animated);
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
    this.#showChosen(markChosen(img, variants, this.#find('table')));
  }

  #showChosen({ name, contentType, bytes: weight }) {
    const size = document.createElement('b');
    size.textContent = bytes(weight);
    const before = document.createElement('small');
    before.textContent = `instead of ${bytes(this.#file.size)}`;
    this.#find('.chosen').replaceChildren(`Your browser chose ${name} ${typeName(contentType)}`, size, before);
  }

  /** Copies the text of an element; `what` is its name for the announcement. */
  async #copy(button, source, what) {
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = 'Copied';
      this.#announce(`${what} copied.`);
      setTimeout(() => { button.textContent = 'Copy'; }, 2_000);
    } catch {
      // Without a secure context or the permission, the person's own copy command still works.
      getSelection().selectAllChildren(source);
      this.#announce(`${what} selected. Copy it with your keyboard or menu.`);
    }
  }
}
