/**
 * prepare.js: what upload() does with a file before it is sent.
 */

import { shrink } from './shrink.js';
import { SNIFF_LENGTH } from './sniff.js';
import { unlessAborted } from './transport.js';

/** Larger files are not hashed (bytes): WebCrypto needs the whole file in memory. */
const HASH_LIMIT = 64 * 2 ** 20;

/**
 * @typedef {object} Prepared
 * @property {Blob} body          what to send
 * @property {Uint8Array} head    its first bytes
 * @property {string} [sha256]    its digest in base64
 */

/**
 * Reads the file once, because the pickers of some systems change it between two times: what is
 * sent is what was hashed. A file that is too large for that, or where there is no WebCrypto, is
 * sent as it is, without a digest.
 *
 * @param {Blob} file
 * @param {number} [maxEdge]  scales a larger photo down to it, in pixels
 * @returns {Promise<Prepared>}
 */
export async function prepare(file, maxEdge) {
  const subtle = globalThis.crypto?.subtle; // only there in secure contexts: https, localhost
  if (maxEdge) file = await shrink(file, maxEdge);
  const whole = subtle && file.size <= HASH_LIMIT;
  const bytes = await (whole ? file : file.slice(0, SNIFF_LENGTH)).arrayBuffer();
  const head = new Uint8Array(bytes.slice(0, SNIFF_LENGTH));
  if (!whole) return { body: file, head };
  return { body: new Blob([bytes]), head, sha256: base64(new Uint8Array(await subtle.digest('SHA-256', bytes))) };
}

/** @param {Uint8Array} bytes */
export function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * Does the same in a worker, so that the page stays smooth. Where a worker can't be had, for
 * example because the module comes from another origin, it is done here.
 *
 * @param {Blob} file
 * @param {number} [maxEdge]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Prepared>}
 */
export async function prepareApart(file, maxEdge, signal) {
  const answer = await unlessAborted(signal, (/** @type {(answer: any) => void} */ resolve, reject, settled) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    settled.addEventListener('abort', () => worker.terminate());
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault(); // not for the console
      reject(event);
    };
    worker.postMessage({ file, maxEdge });
  }).catch(() => signal?.throwIfAborted());
  if (answer?.error) throw answer.error;
  return answer ?? prepare(file, maxEdge);
}
