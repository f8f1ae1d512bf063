/**
 * presize.js: upload an image from the browser, get back its web-ready variants.
 *
 *     import { upload, complete } from './presize.js';
 *
 *     const controller = new AbortController();
 *     const manifest = await upload(input.files[0], {
 *       preset: 'photo',
 *       signal: controller.signal, // controller.abort() cancels at any step
 *       onProgress: ({ phase, loaded, total }) => console.log(phase, loaded, total),
 *     });
 *     manifest.variants;    // every size in WebP and JPEG, ready at its URL
 *     manifest.picture;     // the markup of a <picture> with all variants
 *     manifest.placeholder; // to show until an image has loaded
 *
 *     const all = await complete(manifest.id); // now with AVIF
 *     all.sizes[1].autoUrl; // one URL for every browser: AVIF, WebP or JPEG by its Accept header
 *
 * An upload has four phases, and onProgress names them:
 *
 *   hashing     computes the file's SHA-256, so that the storage can detect a damaged transfer
 *   granting    requests a grant; the service checks size and type
 *   uploading   sends the file straight to the storage, not through the service
 *   processing  waits until the worker has rendered the image
 *
 * Requests that fail are repeated if that can help. If the upload fails after all, the
 * error is an UploadError. You may show its message to people.
 *
 * The module needs only sniff.js and transport.js beside it, and does not use the document.
 */

import { SNIFF_LENGTH, cutName, declare } from './sniff.js';
import { UploadError, call, put, sleep } from './transport.js';

export { UploadError };

/**
 * @typedef {object} Progress
 * @property {'hashing' | 'granting' | 'uploading' | 'processing'} phase
 * @property {number} loaded  bytes done in this phase
 * @property {number} total   bytes of the file
 *
 * @typedef {object} Variant
 * @property {string} name         the size's name in the preset
 * @property {string} contentType
 * @property {string} url          relative to the service's host; its bytes never change
 * @property {number} width        pixels
 * @property {number} height       pixels
 * @property {number} bytes
 *
 * @typedef {object} Size
 * @property {string} name         in the preset
 * @property {number} width        pixels
 * @property {number} height       pixels
 * @property {string} [autoUrl]    answered in the best format that the browser accepts; missing until
 *   the upload is complete, and for animations
 *
 * @typedef {object} Manifest
 * @property {string} id
 * @property {'processing' | 'ready' | 'rejected' | 'failed'} status
 * @property {boolean} complete    AVIF is ready, as WebP and JPEG are
 * @property {string} preset
 * @property {{contentType: string, bytes: number, width?: number, height?: number,
 *   animated?: boolean, frames?: number}} original
 * @property {{thumbhash: string, color: string}} [placeholder]
 * @property {Variant[]} variants
 * @property {Size[]} sizes
 * @property {string} picture
 * @property {{code: string, detail: string}} [rejection]
 * @property {{detail: string}} [failure]
 *
 * @typedef {object} Preset
 * @property {string} name
 * @property {'inside' | 'cover'} fit
 * @property {{name: string, width: number, height?: number}[]} sizes
 * @property {string[]} formats    content types
 */

/** How long the service may answer 404 after the upload (ms). */
const ARRIVAL_GRACE = 15_000;
/** Larger files are not hashed (bytes): WebCrypto needs the whole file in memory. */
const HASH_LIMIT = 64 * 2 ** 20;

/**
 * Uploads an image, and waits until every size is ready in WebP and JPEG. Aborting after
 * the file has arrived does not delete it.
 *
 * @param {File} file
 * @param {object} [options]
 * @param {string} [options.preset]    one of presets(); the service has a default
 * @param {(progress: Progress) => void} [options.onProgress]
 * @param {AbortSignal} [options.signal]
 * @param {string} [options.endpoint]  the API's URL
 * @param {Record<string, string>} [options.headers]  for the API, Authorization for one
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function upload(file, { preset, onProgress = () => {}, signal, endpoint = '/api/v1', headers } = {}) {
  /** @param {Progress['phase']} phase */
  const report = (phase, loaded = 0) => onProgress({ phase, loaded, total: file.size });

  signal?.throwIfAborted();
  const { body, head, sha256 } = await read(file, report, signal);
  const request = {
    contentType: declare(file, head),
    bytes: body.size,
    sha256,
    filename: cutName(file.name),
    preset,
  };
  const statusUrl = await putOriginal(body, `${endpoint}/uploads`, request, headers, report, signal);
  report('processing', file.size);
  return follow(statusUrl, (manifest) => manifest.status === 'ready', { signal, headers, grace: ARRIVAL_GRACE });
}

/**
 * Waits until every variant of an upload is ready, AVIF included. Without a signal it waits
 * without limit; `AbortSignal.timeout` sets one.
 *
 * @param {string} id
 * @param {{signal?: AbortSignal, endpoint?: string, headers?: Record<string, string>}} [options]
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function complete(id, { signal, endpoint = '/api/v1', headers } = {}) {
  return follow(`${endpoint}/uploads/${encodeURIComponent(id)}`, (manifest) => manifest.complete, { signal, headers });
}

/**
 * Lists the service's presets.
 *
 * @param {{signal?: AbortSignal, endpoint?: string}} [options]
 * @returns {Promise<Preset[]>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function presets({ signal, endpoint = '/api/v1' } = {}) {
  return (await call(`${endpoint}/presets`, {}, signal)).body.presets;
}

/**
 * Reads the file once, because the pickers of some systems change it between two times: what is
 * sent is what was hashed. A file that is too large for that, or where there is no WebCrypto, is
 * sent as it is, without a digest.
 *
 * @returns {Promise<{body: Blob, head: Uint8Array, sha256?: string}>}  what to send, its first bytes, and its digest in base64
 */
async function read(file, report, signal) {
  const subtle = globalThis.crypto?.subtle; // only there in secure contexts: https, localhost
  const whole = subtle && file.size <= HASH_LIMIT;
  if (whole) report('hashing');
  let bytes, digest;
  try {
    bytes = await (whole ? file : file.slice(0, SNIFF_LENGTH)).arrayBuffer();
    if (whole) digest = await subtle.digest('SHA-256', bytes);
  } catch (cause) {
    throw new UploadError('unreadable', 'The file could not be read. It may have been moved, or it is a folder.', { cause });
  }
  signal?.throwIfAborted();
  const head = new Uint8Array(bytes, 0, Math.min(bytes.byteLength, SNIFF_LENGTH));
  if (!whole) return { body: file, head };
  report('hashing', file.size);
  return { body: new Blob([bytes]), head, sha256: btoa(String.fromCharCode(...new Uint8Array(digest))) };
}

/**
 * Gets a grant, puts the original with it, and returns the upload's status URL.
 * A grant that expired before the original arrived is replaced once; whatever the
 * storage answered then, the old grant has no more use.
 */
async function putOriginal(file, uploadsUrl, request, headers, report, signal) {
  for (let renewed = false; ; renewed = true) {
    report('granting');
    const { body: grant, url } = await call(uploadsUrl, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
    }, signal);
    try {
      await put(file, grant.upload, (loaded) => report('uploading', loaded), signal);
      return new URL(grant.statusUrl, url).href;
    } catch (error) {
      const expired = Date.now() >= Date.parse(grant.upload.expiresAt);
      if (renewed || !expired || signal?.aborted) throw error;
    }
  }
}

/**
 * Asks for an upload's status until `reached` holds. For the first `grace` ms the
 * service may not know the upload yet.
 *
 * @param {string} url
 * @param {(manifest: Manifest) => boolean} reached
 * @param {{signal?: AbortSignal, headers?: Record<string, string>, grace?: number}} options
 * @returns {Promise<Manifest>}
 */
async function follow(url, reached, { signal, headers, grace = 0 }) {
  const started = performance.now();
  // The service holds its answer while nothing changes. Should it not, the pause keeps us from flooding it.
  for (let pause = 500; ; pause = Math.min(pause * 1.5, 5_000)) {
    const asked = performance.now();
    const manifest = await status(url, headers, signal).catch((error) => {
      if (error?.status === 404 && performance.now() - started < grace) return { status: 'processing' };
      throw error;
    });
    if (manifest.status === 'rejected') {
      throw new UploadError(manifest.rejection.code, manifest.rejection.detail, { manifest });
    }
    if (manifest.status === 'failed') {
      const detail = manifest.failure?.detail ?? 'The image could not be rendered. The fault is not in the file.';
      throw new UploadError('failed', detail, { manifest, retryable: true });
    }
    if (reached(manifest)) return manifest;
    await sleep(pause - (performance.now() - asked), signal);
  }
}

/** @returns {Promise<Manifest>} */
async function status(url, headers, signal) {
  return (await call(url, { headers: { ...headers, Prefer: 'wait=10' } }, signal)).body;
}

