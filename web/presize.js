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
 * @property {string} [reference]  of the request, for those who own the upload
 * @property {{query: string, expiresAt: string}} [access]  of a private upload: what its URLs need, and have already
 *
 * @typedef {object} Preset
 * @property {string} name
 * @property {'inside' | 'cover'} fit
 * @property {{name: string, width: number, height?: number}[]} sizes
 * @property {string[]} formats    content types
 * @property {boolean} [private]   its images need a signature
 * @property {string[]} accept     content types of originals
 * @property {number} maxBytes     of an original
 * @property {number} [minWidth]   pixels
 * @property {number} [minHeight]  pixels
 *
 * @typedef {object} Options
 * @property {string} [secret]     of the upload
 * @property {AbortSignal} [signal]
 * @property {string} [endpoint]   the API's URL
 * @property {Record<string, string>} [headers]  for the API, Authorization for one
 */

/** How long the service may answer 404 after the upload (ms). */
const ARRIVAL_GRACE = 15_000;
/** How often one upload requests a fresh grant in place of an expired one. */
const RENEWALS = 3;
/** Larger files are not hashed (bytes): WebCrypto needs the whole file in memory. */
const HASH_LIMIT = 64 * 2 ** 20;

/**
 * Uploads an image, and waits until every size is ready in WebP and JPEG. Aborting after
 * the file has arrived does not delete it.
 *
 * @param {File} file
 * @param {object} [options]
 * @param {string} [options.secret]    createSecret(), to keep; without it, nobody can delete the upload later
 * @param {string} [options.preset]    one of presets(); the service has a default
 * @param {string} [options.reference] a string of your own, at most 256 characters
 * @param {(granted: {id: string}) => void} [options.onGranted]  told the upload's id, before the file is sent
 * @param {(progress: Progress) => void} [options.onProgress]
 * @param {AbortSignal} [options.signal]
 * @param {string} [options.endpoint]  the API's URL
 * @param {Record<string, string>} [options.headers]  for the API, Authorization for one
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function upload(file, {
  secret = createSecret(), preset, reference, onGranted = () => {}, onProgress = () => {}, signal, endpoint = '/api/v1', headers,
} = {}) {
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
    reference,
    secret,
  };
  const statusUrl = await putOriginal(body, `${endpoint}/uploads`, request, headers, { report, onGranted, signal });
  report('processing', file.size);
  return follow(statusUrl, (manifest) => manifest.status === 'ready', { signal, headers: proof(secret, headers), grace: ARRIVAL_GRACE });
}

/**
 * Waits until every variant of an upload is ready, AVIF included. Without a signal it waits
 * without limit; `AbortSignal.timeout` sets one.
 *
 * @param {string} id
 * @param {Options} [options]
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function complete(id, { secret, signal, endpoint = '/api/v1', headers } = {}) {
  return follow(uploadUrl(endpoint, id), (manifest) => manifest.complete, { signal, headers: proof(secret, headers) });
}

/**
 * Tells how far an upload is, whatever its status.
 *
 * @param {string} id
 * @param {Options} [options]
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function getUpload(id, { secret, signal, endpoint = '/api/v1', headers } = {}) {
  return (await call(uploadUrl(endpoint, id), { headers: proof(secret, headers) }, signal)).body;
}

/**
 * Deletes an upload and its images. This needs the secret, or the owner's token in
 * the headers. It is no error if the upload does not exist any more.
 *
 * @param {string} id
 * @param {Options} [options]
 * @returns {Promise<void>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function deleteUpload(id, { secret, signal, endpoint = '/api/v1', headers } = {}) {
  try {
    await call(uploadUrl(endpoint, id), { method: 'DELETE', headers: proof(secret, headers) }, signal);
  } catch (error) {
    if (error?.code !== 'upload-not-found') throw error; // an earlier answer may have been lost
  }
}

/**
 * Makes the secret of one upload: 32 random bytes in base64url. Keep it to delete the
 * upload, or to see it if it is private. Never use it for two files.
 *
 * @returns {string}
 */
export function createSecret() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
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

function uploadUrl(endpoint, id) {
  return `${endpoint}/uploads/${encodeURIComponent(id)}`;
}

/** Returns the headers with the proof that an upload is ours. */
function proof(secret, headers) {
  return secret ? { ...headers, 'Upload-Secret': secret } : headers;
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
 * Gets a grant, puts the original with it, and returns the upload's status URL. The
 * request has the secret, so repeating it is safe: it is the same upload each time,
 * and once the original is there the answer is no grant.
 */
async function putOriginal(body, uploadsUrl, request, headers, { report, onGranted, signal }) {
  for (let renewals = 0; ; renewals++) {
    report('granting');
    const { body: grant, url } = await call(uploadsUrl, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
    }, signal);
    if (renewals === 0) onGranted({ id: grant.id });
    try {
      if (grant.upload) await put(body, grant.upload, (loaded) => report('uploading', loaded), signal);
      return new URL(grant.statusUrl, url).href;
    } catch (error) {
      const expired = Date.now() >= Date.parse(grant.upload.expiresAt);
      if (renewals === RENEWALS || !expired || signal?.aborted) throw error;
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
      if (error?.status === 404 && performance.now() - started < grace) return undefined;
      throw error;
    });
    if (manifest?.status === 'rejected' && manifest.rejection) {
      throw new UploadError(manifest.rejection.code, manifest.rejection.detail, { manifest });
    }
    if (manifest?.status === 'failed') {
      const detail = manifest.failure?.detail ?? 'The image could not be rendered. The fault is not in the file.';
      throw new UploadError('failed', detail, { manifest, retryable: true });
    }
    if (manifest && reached(manifest)) return manifest;
    await sleep(pause - (performance.now() - asked), signal);
  }
}

/** @returns {Promise<Manifest>} */
async function status(url, headers, signal) {
  return (await call(url, { headers: { ...headers, Prefer: 'wait=10' } }, signal)).body;
}

