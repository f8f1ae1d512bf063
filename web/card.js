import { Panel } from './panel.js';
import { UploadError, complete, createSecret, deleteUpload, getUpload, upload } from './presize.js';
import { largest } from './result.js';
import { draw } from './thumbhash.js';
import { bytes, plural, typeName } from './words.js';

/** How long to wait for AVIF once the rest is ready (ms). */
const AVIF_PATIENCE = 5 * 60_000;
/** The tallest and the widest picture that is shown whole, as width / height. */
const TALLEST = 9 / 16;
const WIDEST = 4;

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
  #page;
  #announce;
  #panel;
  /** @type {string} */
  #id;
  /** One upload however often it is tried: the service knows it again by its secret. */
  #secret = createSecret();
  #controller = new AbortController();
  /** What the retry button does. */
  #again = () => this.start();
  #find;
  /** As a batch counts them. */
  state = 'queued';
  size = 0;
  sent = 0;
  retryable = false;

  /**
   * @param {File | {name: string, size: number}} file  without its bytes for an upload that was done before
   * @param {import('./presize.js').Preset} preset
   * @param {number} number  of the frame on the contact sheet
   * @param {object} page
   * @param {(job: () => Promise<any>, signal: AbortSignal) => Promise<any>} page.run   sends a few files at a time
   * @param {(job: () => Promise<any>, signal: AbortSignal) => Promise<any>} page.look  asks for a few uploads at a time
   * @param {(sentence: string) => void} page.announce
   * @param {ReturnType<import('./kept.js').keptUploads>} page.kept
   * @param {ReturnType<import('./batch.js').batch>} page.batch
   */
  constructor(file, preset, number, page) {
    this.#file = file;
    this.#preset = preset;
    this.#page = page;
    this.size = file.size;
    this.#announce = (sentence) => page.announce(`${file.name}: ${sentence}`);

    const template = /** @type {HTMLTemplateElement} */ (document.querySelector('#card'));
    this.element = /** @type {HTMLElement} */ (template.content.cloneNode(true)).firstElementChild;
    const root = this.element;
    this.#find = (selector) => root.querySelector(selector);
    this.#label(number);
    this.#find('.cancel').addEventListener('click', () => this.cancel());
    this.#find('.retry').addEventListener('click', () => this.retry());
    this.#panel = new Panel(this.#find('.upload'), {
      name: file.name,
      preset,
      announce: this.#announce,
      remove: async () => {
        await deleteUpload(this.#id, { secret: this.#secret });
        this.#announce('Deleted.');
        this.#remove();
      },
    });
  }

  /** Labels everything in the card with the file's name, for screen readers. */
  #label(number) {
    const { name, size } = this.#file;
    this.#find('.edge .number').textContent = String(number).padStart(2, '0');
    this.#find('.name span').textContent = name;
    this.#find('.name').id = `upload-${number}`;
    this.#find('.upload').setAttribute('aria-labelledby', `upload-${number}`);
    this.#find('.facts').textContent = size ? `${bytes(size)}, preset ${this.#preset.name}` : `preset ${this.#preset.name}`;
    this.#find('progress').setAttribute('aria-label', `Progress of ${name}`);
    this.#find('.cancel').setAttribute('aria-label', `Cancel ${name}`);
    this.#find('.retry').setAttribute('aria-label', `Try again: ${name}`);
  }

  /** Opens the card, or folds it. */
  open(open = true) {
    this.#panel.open(open);
  }

  /** Cancels an upload that runs; presize.js deletes what has arrived. */
  cancel() {
    if (!this.#find('.cancel').hidden) this.#controller.abort();
  }

  /** Tries again what did not succeed. */
  retry() {
    this.#again();
  }

  /** Uploads the file and shows the progress. */
  async start() {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#again = () => this.start();
    this.#showProgress({ phase: 'queued' });
    try {
      const manifest = await this.#page.run(() => {
        this.#preview();
        return upload(this.#file, {
          preset: this.#preset.name,
          secret: this.#secret,
          absolute: true,
          signal,
          onGranted: ({ id }) => this.#granted(id),
          onProgress: (progress) => this.#showProgress(progress),
        });
      }, signal);
      await this.#finish(manifest);
    } catch (error) {
      if (signal.aborted) this.#settle('cancelled', 'Cancelled.');
      else this.#refuse(error);
      if (error?.code === 'failed') this.#secret = createSecret(); // the service is not going to try that file again
    }
    if (signal.aborted && this.#id) this.#page.kept.forget(this.#id);
  }

  /** Keeps what it takes to find and to delete the upload after a reload. */
  #granted(id) {
    this.#id = id;
    this.#page.kept.keep({ id, secret: this.#secret, name: this.#file.name, preset: this.#preset.name });
  }

  /**
   * Makes this the card of an upload that was done before. Call restore() to load it.
   *
   * @param {import('./kept.js').Kept} upload
   */
  keep({ id, secret }) {
    this.#id = id;
    this.#secret = secret;
    this.#again = () => this.restore();
    this.#showProgress({ phase: 'restoring' });
    this.#find('.cancel').hidden = true;
  }

  /** Loads an upload that was done before. */
  async restore() {
    const { signal } = this.#controller;
    try {
      const manifest = await this.#page.look(() => getUpload(this.#id, { secret: this.#secret, absolute: true }), signal);
      if (manifest.status === 'ready') await this.#finish(manifest);
      else if (manifest.status === 'processing') await this.#finish(await this.#complete());
      else this.#remove();
    } catch (error) {
      if (error?.code === 'upload-not-found') this.#remove(); // it never arrived, or was deleted elsewhere
      else this.#refuse(error);
    }
  }

  /** Takes the upload off the page and forgets it. */
  #remove() {
    this.#page.kept.forget(this.#id);
    this.#page.batch.leave(this);
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    const focused = this.element.contains(document.activeElement);
    this.element.remove();
    if (focused) /** @type {HTMLElement} */ ((next ?? document).querySelector('.name, #contact-sheet-title')).focus();
  }

  /** Shows a manifest that is ready, and the complete one when it comes. */
  async #finish(manifest) {
    const { variants } = manifest;
    const images = plural(variants.length, 'image');
    const distinct = new Set(variants.map(({ contentType, width, height }) => `${contentType} ${width} ${height}`)).size;
    const alike = distinct < variants.length ? ` The photo is smaller than some sizes, so only ${distinct} of them differ.` : '';
    this.#describe(manifest);
    if (manifest.complete) this.#settle('complete', `All ${images} are ready.${alike}`);
    else this.#settle('ready', `${images} are ready. AVIF is being rendered.`);
    await this.#panel.show(manifest);
    if (!manifest.complete) await this.#awaitComplete(manifest);
  }

  async #awaitComplete(manifest) {
    let all;
    try {
      all = await this.#complete();
    } catch {
      this.#again = () => this.#finish(manifest);
      this.#settle('ready', 'WebP and JPEG are ready. AVIF is not ready yet.', { retry: true });
      return;
    }
    await this.#finish(all);
  }

  #complete() {
    const look = () => complete(this.#id, { secret: this.#secret, absolute: true, timeout: AVIF_PATIENCE });
    return this.#page.look(look, this.#controller.signal);
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
    if (!retryable && this.#id) this.#page.kept.forget(this.#id); // there is nothing to come back to
    this.#settle(retryable ? 'failed' : 'rejected', message, { retry: retryable });
  }

  /** @param {{phase: string, loaded?: number, total?: number, waiting?: boolean}} progress */
  #showProgress({ phase, loaded = 0, total = 0, waiting }) {
    const bar = this.#find('progress');
    if (phase === 'uploading') bar.value = total ? loaded / total : 0;
    else bar.removeAttribute('value');
    this.sent = { uploading: this.size * (total ? loaded / total : 0), processing: this.size }[phase] ?? 0;
    const text = waiting ? 'Waiting for the connection' : PHASES[phase]({ loaded, total });
    this.#show(phase, text, { working: true });
  }

  /** Shows and announces a state in which the card stays. */
  #settle(state, message, { retry = state === 'cancelled' } = {}) {
    this.#show(state, message, { retry });
    if (!this.#page.batch.many) this.#announce(message);
  }

  #show(state, message, { working = false, retry = false }) {
    const focused = document.activeElement;
    this.state = state;
    this.retryable = retry;
    this.#page.batch.changed();
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

  /** Shows what the image is, and gives the picture its place. */
  #describe({ placeholder, variants, original, preset }) {
    const { width, height } = largest(variants);
    const frame = this.#find('.window').style;
    const ratio = Math.min(WIDEST, Math.max(TALLEST, width / height));
    frame.setProperty('--ratio', String(ratio));
    frame.maxWidth = `min(${width}px, ${80 * ratio}svh)`; // so that all of it is in sight
    if (placeholder) this.#showPlaceholder(placeholder);
    const size = original.width ? `${original.width} × ${original.height} ` : '';
    const frames = original.animated ? `, ${plural(original.frames, 'frame')}` : '';
    this.#find('.facts').textContent = `${size}${typeName(original.contentType)}${frames}, ${bytes(original.bytes)}, preset ${preset}`;
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
}
