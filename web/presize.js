/**
 * presize.js: upload an image from the browser, get back its web-ready variants.
 *
 *     import { upload, complete } from 'presize'; // or './presize.js'
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
 * Requests that fail are repeated if that can help. After a lost connection the upload waits for it
 * and goes on. If the upload fails after all, the error is an UploadError. You may show its
 * message to people. To try the same upload again, call upload() with the same secret: what has
 * arrived is not sent again.
 *
 * With the option keep, an upload survives a reload of the page:
 *
 *     for (const { file, options } of await unfinished()) {
 *       if (file) upload(file, options);
 *     }
 *
 * The module does not use the document.
 */

import { connect, deleteFrom, follow } from './service.js';

export { uploadAll } from './many.js';
export { UploadError } from './transport.js';
export { unfinished } from './unfinished.js';
export { createSecret, upload } from './upload.js';

/**
 * @typedef {object} Progress
 * @property {'hashing' | 'granting' | 'uploading' | 'processing'} phase
 * @property {number} loaded  bytes done in this phase
 * @property {number} total   bytes of the file
 * @property {boolean} [waiting]  for the connection, which is lost
 *
 * @typedef {object} Variant
 * @property {string} name         the size's name in the preset
 * @property {string} contentType
 * @property {string} url          its bytes never change
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
 * @typedef {object} GrantRequest  the body of a POST to /api/v1/uploads
 * @property {string} contentType
 * @property {number} bytes
 * @property {string | undefined} [sha256]     base64
 * @property {string | undefined} [filename]
 * @property {string | undefined} [preset]
 * @property {string | undefined} [reference]
 * @property {string} secret
 *
 * @typedef {object} Grant         the answer to it
 * @property {string} id
 * @property {string} [secret]
 * @property {{method: string, url: string, headers: Record<string, string>, expiresAt: string}} [upload]
 *   missing where the file has arrived before
 * @property {string} statusUrl
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
 * @typedef {object} Service        how to reach the service
 * @property {string | undefined} [endpoint]   the API's URL, by default that of the page's own host
 * @property {Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>) | undefined} [headers]
 *   for the API, Authorization for one; a function is asked before each request
 * @property {boolean | undefined} [absolute]  URLs with the host; by default if the service is not the page's own host
 * @property {AbortSignal | undefined} [signal]
 *
 * @typedef {Service & {secret?: string | undefined}} Options  with the secret of the upload
 *
 * @typedef {object} ForUpload
 * @property {string | undefined} [secret]     createSecret(), to keep; without it, nobody can delete the upload later
 * @property {string | undefined} [preset]     one of presets(); the service has a default
 * @property {string | undefined} [reference]  a string of your own, at most 256 characters
 * @property {number | undefined} [maxEdge]    scales a larger JPEG down to it before it is sent (pixels)
 * @property {boolean | undefined} [keep]      keeps the file in the browser until the upload has ended, for unfinished()
 * @property {number | undefined} [timeout]    how long the image may be processed (ms), 15 minutes by default
 * @property {((request: GrantRequest, signal?: AbortSignal) => Promise<Grant>) | undefined} [grant]
 *   asks your own server for the grant. It should send the request on as it is: only with this secret
 *   can a grant be renewed.
 * @property {((granted: {id: string, secret: string}) => void) | undefined} [onGranted]  told before the file is sent
 * @property {((progress: Progress) => void) | undefined} [onProgress]
 *
 * @typedef {Service & ForUpload} UploadOptions
 *
 * @typedef {object} Overall        the progress of several files
 * @property {number} loaded       bytes sent so far
 * @property {number} total        bytes of all files
 * @property {number} done         files that are ready
 * @property {number} failed       files that are not going to be
 * @property {number} files
 */

/**
 * Waits until an upload is ready in WebP and JPEG, for example after a reload of the page.
 *
 * @param {string} id
 * @param {Options & {timeout?: number | undefined}} [options]
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function ready(id, options = {}) {
  const api = connect(options);
  return follow(api, api.uploadUrl(id), ({ status }) => status === 'ready', options.timeout);
}

/**
 * Waits until every variant of an upload is ready, AVIF included.
 *
 * @param {string} id
 * @param {Options & {timeout?: number | undefined}} [options]
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function complete(id, options = {}) {
  const api = connect(options);
  const url = api.uploadUrl(id);
  const first = api.near ? await api.get(url) : undefined; // not to wait where the CDN can be asked
  return follow(api, url, (manifest) => manifest.complete, options.timeout, 0, first);
}

/**
 * Tells how far an upload is, whatever its status.
 *
 * @param {string} id
 * @param {Options} [options]
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function getUpload(id, options = {}) {
  const api = connect(options);
  return api.place(await api.get(api.uploadUrl(id)));
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
export async function deleteUpload(id, options = {}) {
  await deleteFrom(connect(options), id);
}

/**
 * Lists the service's presets.
 *
 * @param {Service} [options]
 * @returns {Promise<Preset[]>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function presets(options = {}) {
  const api = connect(options);
  return (await api.get(`${api.endpoint}/presets`)).presets;
}
