/**
 * service.js: the service as presize.js asks it.
 */

/** @import {Manifest, Options} from './presize.js' */
/** @import {Waiting} from './transport.js' */

import { UploadError, call, callOnce, originOf, sleep } from './transport.js';

/** How long an image may be processed (ms). */
const PROCESSING_TIMEOUT = 15 * 60_000;

/**
 * Returns the service as one caller sees it. Every request that has the caller's headers or the secret
 * goes to the endpoint. The URLs in its answers are not asked: an answer may have come through others.
 *
 * @param {Options & Waiting} options
 */
export function connect(options) {
  const { endpoint = '/api/v1', headers, signal, onWaiting, secret } = options;
  const origin = originOf(endpoint);
  const near = origin === globalThis.location?.origin;
  /** @returns {Promise<Record<string, string>>} */
  const own = async () => (typeof headers === 'function' ? headers() : headers ?? {});
  const proven = async () => (secret ? { ...await own(), 'Upload-Secret': secret } : own());
  return {
    endpoint,
    signal,
    onWaiting,
    near,
    own,
    uploadUrl: (id) => `${endpoint}/uploads/${encodeURIComponent(id)}`,
    /** @param {Manifest} manifest */
    place: (manifest) => (options.absolute ?? !near ? withHost(manifest, origin) : manifest),
    /**
     * @param {string} url
     * @param {Record<string, string>} [more]  headers
     */
    get: async (url, more) => call(url, { headers: { ...await proven(), ...more } }, options),
    /** @param {string} url */
    remove: async (url) => call(url, { method: 'DELETE', headers: await proven(), keepalive: true }, options),
  };
}

/** @typedef {ReturnType<typeof connect>} Api */

/**
 * Returns a manifest with the host in all its URLs.
 *
 * @param {Manifest} manifest
 * @param {string} origin
 * @returns {Manifest}
 */
function withHost(manifest, origin) {
  const locate = (url) => new URL(url, origin).href;
  const placed = { ...manifest };
  if (manifest.variants) placed.variants = manifest.variants.map((variant) => ({ ...variant, url: locate(variant.url) }));
  if (manifest.sizes) placed.sizes = manifest.sizes.map((size) => (size.autoUrl ? { ...size, autoUrl: locate(size.autoUrl) } : size));
  if (manifest.picture) placed.picture = manifest.picture.replace(/([" ])\/(?=[ip]\/)/g, `$1${origin}/`);
  return placed;
}

/**
 * Asks for an upload's status until `reached` holds. For the first `grace` ms the
 * service may not know the upload yet.
 *
 * @param {Api} api
 * @param {string} url
 * @param {(manifest: Manifest) => boolean} reached
 * @param {number} [timeout]  ms
 * @param {number} [grace]
 * @param {Manifest} [manifest]  the first answer, if it is there already
 * @returns {Promise<Manifest>}
 */
export async function follow(api, url, reached, timeout = PROCESSING_TIMEOUT, grace = 0, manifest = undefined) {
  const { signal } = api;
  const started = performance.now();
  let asks = !manifest;
  // The service holds its answer while nothing changes. Should it not, the pause keeps us from flooding it.
  for (let pause = 500; ; pause = Math.min(pause * 1.5, 5_000)) {
    const asked = performance.now();
    if (asks) {
      manifest = await look(api, url, manifest).catch((error) => {
        if (error?.status === 404 && performance.now() - started < grace) return undefined;
        throw error;
      });
    }
    asks = true;
    if (manifest?.status === 'rejected' && manifest.rejection) {
      throw new UploadError(manifest.rejection.code, manifest.rejection.detail, { manifest });
    }
    if (manifest?.status === 'failed') {
      const detail = manifest.failure?.detail ?? 'The image could not be rendered. The fault is not in the file.';
      throw new UploadError('failed', detail, { manifest, retryable: true });
    }
    if (manifest && reached(manifest)) return api.place(manifest);
    if (performance.now() - started > timeout) {
      throw new UploadError('timeout', 'The image is still being processed. Please try again later.', { manifest, retryable: true });
    }
    await sleep(pause - (performance.now() - asked), signal);
  }
}

/**
 * Asks once. Between ready and complete the CDN is asked for the manifest, which is cheaper
 * than a function that waits. It answers pages of its own host only.
 *
 * @param {Api} api
 * @param {string} url
 * @param {Manifest} [known]
 * @returns {Promise<Manifest>}
 */
async function look(api, url, known) {
  if (api.near && known?.status === 'ready' && !known.access) {
    try {
      const { href } = new URL('../manifest.json', new URL(known.variants[0].url, location.href));
      return { ...known, ...await callOnce(href, {}, api.signal) };
    } catch {
      api.signal?.throwIfAborted(); // else the API knows more
    }
  }
  return api.get(url, { Prefer: 'wait=10' });
}

/**
 * @param {Api} api
 * @param {string} id
 * @returns {Promise<boolean>}  whether there was something to delete
 */
export async function deleteFrom(api, id) {
  try {
    await api.remove(api.uploadUrl(id));
    return true;
  } catch (error) {
    if (error?.code !== 'upload-not-found') throw error; // an earlier answer may have been lost
    return false;
  }
}
