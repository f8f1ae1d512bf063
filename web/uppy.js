/**
 * uppy.js: presize as the uploader of Uppy 5 and 6.
 *
 *     import Uppy from '@uppy/core';
 *     import Dashboard from '@uppy/dashboard';
 *     import Presize from 'presize/uppy';
 *
 *     const uppy = new Uppy({ restrictions: { allowedFileTypes: ['image/*'] } })
 *       .use(Dashboard, { inline: true, target: '#uploads' })
 *       .use(Presize, { preset: 'photo' });
 *     uppy.on('upload-success', (file, { body, secret }) => {
 *       // body is the manifest; keep the secret to delete the upload later
 *     });
 *
 * Cancelling deletes what has arrived. A retry does not send again what has.
 */

/** @import {Body, Meta, Uppy, UppyFile} from '@uppy/core' */
/** @import {UploadOptions} from './presize.js' */

import { BasePlugin } from '@uppy/core';
import { pictureParts } from './picture.js';
import { queue } from './queue.js';
import { createSecret, upload } from './upload.js';

/**
 * @typedef {Omit<UploadOptions, 'secret' | 'signal' | 'onGranted' | 'onProgress'> & {
 *   id?: string,
 *   parallel?: number | undefined,
 * }} PresizeOptions  `parallel` is how many files are sent at a time, 3 by default
 */

/**
 * @template {Meta} M
 * @template {Body} B
 * @extends {BasePlugin<PresizeOptions, M, B>}
 */
export default class Presize extends BasePlugin {
  #run;
  /** The secrets of files that have not been uploaded yet, by Uppy's id. */
  #secrets = new Map();

  /**
   * @param {Uppy<M, B>} uppy
   * @param {PresizeOptions} [options]
   */
  constructor(uppy, options = {}) {
    super(uppy, options);
    this.id = options.id ?? 'Presize';
    this.type = 'uploader';
    this.#run = queue(options.parallel ?? 3);
  }

  install() {
    this.uppy.addUploader(this.#uploadAll);
  }

  uninstall() {
    this.uppy.removeUploader(this.#uploadAll);
  }

  #uploadAll = async (/** @type {string[]} */ ids) => {
    const files = ids.map((id) => this.uppy.getFile(id)).filter((file) => file && !file.error && !file.progress.uploadComplete);
    this.uppy.emit('upload-start', files);
    await Promise.allSettled(files.map((file) => this.#upload(file)));
  };

  /** @param {UppyFile<M, B>} file */
  async #upload({ id, data, name, type, meta }) {
    const { id: plugin, parallel, ...options } = this.opts;
    const { uppy } = this;
    if (!uppy.getFile(id)) return; // removed when it was told of the start
    if (!(data instanceof Blob)) {
      uppy.emit('upload-error', uppy.getFile(id), new Error('Files of Companion are not in the browser. Please choose one of this device.'));
      return;
    }
    const controller = new AbortController();
    const { signal } = controller;
    const cancel = () => controller.abort();
    const remove = (removed) => removed.id === id && cancel();
    uppy.on('cancel-all', cancel);
    uppy.on('file-removed', remove);
    let secret = this.#secrets.get(id) ?? createSecret();
    this.#secrets.set(id, secret);
    let manifest;
    try {
      const lastModified = data instanceof File ? data.lastModified : Date.now();
      const named = new File([data], meta.name || name, { type, lastModified }); // by which a kept one is found
      manifest = await this.#run(() => upload(named, {
        ...options,
        secret,
        signal,
        onGranted: (granted) => { ({ secret } = granted); }, // a kept one, or the app's server's own
        onProgress({ phase, loaded, total }) {
          const file = uppy.getFile(id);
          if (phase !== 'uploading' || !file) return;
          uppy.emit('upload-progress', file, { uploadStarted: file.progress.uploadStarted ?? 0, bytesUploaded: loaded, bytesTotal: total });
        },
      }), signal);
    } catch (error) {
      // The service does not try these again. The file may be edited before the next upload.
      const settled = ['failed', 'rejected'].includes(error?.manifest?.status);
      if (signal.aborted || settled) this.#secrets.delete(id);
      if (!signal.aborted) uppy.emit('upload-error', uppy.getFile(id), error);
      return;
    } finally {
      uppy.off('cancel-all', cancel);
      uppy.off('file-removed', remove);
    }
    this.#secrets.delete(id);
    try {
      uppy.emit('upload-success', uppy.getFile(id), /** @type {any} */ ({ status: 200, body: manifest, uploadURL: pictureParts(manifest)?.src, secret }));
    } catch (error) {
      reportError(error); // of the app: the upload is ready
    }
  }
}
