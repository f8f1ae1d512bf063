/**
 * filepond.js: presize as the server of FilePond.
 *
 *     import * as FilePond from 'filepond';
 *     import { server } from 'presize/filepond';
 *
 *     FilePond.create(document.querySelector('input[type=file]'), {
 *       server: server({ preset: 'photo', onReady: (manifest, { secret }) => {} }),
 *       labelFileProcessingError: ({ body }) => body, // why a file was rejected
 *     });
 *
 * The file's id in FilePond, and in the form's field, is the upload's. Cancelling deletes what has arrived,
 * and so does reverting. A retry does not send again what has.
 */

/** @import {Manifest, UploadOptions} from './presize.js' */

import { deleteUpload } from './presize.js';
import { createSecret, upload } from './upload.js';

/**
 * @typedef {Omit<UploadOptions, 'secret' | 'signal' | 'onGranted' | 'onProgress'> & {
 *   onReady?: ((manifest: Manifest, upload: {secret: string}) => void) | undefined,
 * }} ServerOptions
 */

/**
 * Makes FilePond's `server`.
 *
 * @param {ServerOptions} [options]
 */
export function server({ onReady, ...options } = {}) {
  /** @type {WeakMap<Blob, string>} */
  const secrets = new WeakMap();
  /** @type {Map<string, string>} by the upload's id */
  const proofs = new Map();

  return {
    /**
     * @param {string} field
     * @param {Blob & {name: string}} file
     * @param {object} metadata
     * @param {(id: string) => void} load
     * @param {(message: string) => void} fail
     * @param {(computable: boolean, loaded: number, total: number) => void} progress
     * @param {() => void} abort
     */
    process(field, file, metadata, load, fail, progress, abort) {
      const controller = new AbortController();
      let secret = secrets.get(file) ?? createSecret();
      secrets.set(file, secret);
      upload(/** @type {File} */ (file), {
        ...options,
        secret,
        signal: controller.signal,
        onGranted: (granted) => { ({ secret } = granted); }, // a kept one, or the app's server's own
        onProgress: ({ phase, loaded, total }) => progress(phase === 'uploading', loaded, total),
      }).then((manifest) => {
        secrets.delete(file);
        proofs.set(manifest.id, secret);
        load(manifest.id);
        onReady?.(manifest, { secret });
      }, (error) => {
        if (error?.code === 'failed') secrets.delete(file); // the service does not try that one again
        if (!controller.signal.aborted) fail(error.message);
      });
      return {
        abort() {
          controller.abort();
          abort();
        },
      };
    },

    /**
     * @param {string} id
     * @param {() => void} load
     * @param {(message: string) => void} fail
     */
    revert(id, load, fail) {
      const { endpoint, headers } = options;
      deleteUpload(id, { secret: proofs.get(id), endpoint, headers }).then(() => {
        proofs.delete(id);
        load();
      }, (error) => fail(error.message));
    },
  };
}
