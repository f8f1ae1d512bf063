/**
 * upload.js: one upload, from the file to its images.
 */

/** @import {Grant, GrantRequest, Manifest, Progress, UploadOptions} from './presize.js' */
/** @import {Api} from './service.js' */

import { base64, prepareApart } from './prepare.js';
import { connect, deleteFrom, follow } from './service.js';
import { cutName, declare } from './sniff.js';
import { keep } from './unfinished.js';
import { UploadError, callOnce, put, reach, retry, sleep, unlessAborted } from './transport.js';

/** How long the service may answer 404 after the upload (ms). */
const ARRIVAL_GRACE = 15_000;
/** How often one upload requests a fresh grant in place of an expired one. */
const RENEWALS = 3;
/** When a file that arrived while its upload was aborted is there at the latest (ms). */
const LATE_ARRIVAL = 2_000;

/**
 * The deletions of aborted uploads by secret. An upload with the same secret waits for its own.
 *
 * @type {Map<string, Promise<void>>}
 */
const deletions = new Map();

/**
 * Uploads an image, and waits until every size is ready in WebP and JPEG. Aborting deletes
 * what has arrived.
 *
 * @param {File} file
 * @param {UploadOptions} [options]
 * @returns {Promise<Manifest>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export async function upload(file, options = {}) {
  const { preset, reference, maxEdge, signal } = options;
  const made = options.secret ?? createSecret();
  const kept = options.keep ? await keep(file, made, options) : undefined;
  const secret = kept?.secret ?? made;
  /** @type {Progress} */
  let progress = { phase: 'hashing', loaded: 0, total: file.size };
  let sent = false; // all bytes, though maybe not for the first time
  const report = (change) => {
    progress = { ...progress, waiting: undefined, ...change };
    sent ||= progress.phase !== 'hashing' && progress.loaded === progress.total;
    options.onProgress?.(progress);
  };
  /** @param {string} [secret] */
  const connected = (secret) => connect({ ...options, secret, onWaiting: (waiting) => report({ waiting }) });

  /** @type {Grant | undefined} */
  let grant;
  try {
    await unlessAborted(signal, (resolve) => Promise.resolve(deletions.get(secret)).then(resolve));
    report({});
    const { body, head, sha256 } = await prepareApart(file, maxEdge, signal).catch((cause) => {
      signal?.throwIfAborted();
      throw new UploadError('unreadable', 'The file could not be read. It may have been moved, or it is a folder.', { cause });
    });
    signal?.throwIfAborted();
    report({ total: body.size, loaded: body.size });
    const request = { contentType: declare(file, head), bytes: body.size, sha256, filename: cutName(file.name), preset, reference, secret };
    grant = await putOriginal(body, request, connected(), options, report, (granted) => { grant = granted; });
    report({ phase: 'processing', loaded: body.size });
    const api = connected(grant.secret ?? secret);
    const manifest = await follow(api, api.uploadUrl(grant.id), ({ status }) => status === 'ready', options.timeout, ARRIVAL_GRACE);
    await kept?.end(true);
    return manifest;
  } catch (error) {
    // The service does not try a failed one again, so it is not worth keeping either.
    await kept?.end(signal?.aborted || !error?.retryable || error.code === 'failed');
    if (signal?.aborted && sent && grant) undo({ ...options, secret: grant.secret ?? secret }, grant.id);
    throw error;
  }
}

/**
 * Makes the secret of one upload: 32 random bytes in base64url. Keep it to delete the
 * upload, or to see it if it is private. Never use it for two files.
 *
 * @returns {string}
 */
export function createSecret() {
  return base64(crypto.getRandomValues(new Uint8Array(32))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * Gets a grant and puts the original with it. The request has the secret, so repeating it is
 * safe: it is the same upload each time, and once the original is there the answer is no grant.
 * So each attempt begins with one, and nothing is sent twice because an answer was lost.
 *
 * @param {Blob} body
 * @param {GrantRequest} request
 * @param {Api} api
 * @param {UploadOptions} options
 * @param {(change: Partial<Progress>) => void} report
 * @param {(grant: Grant) => void} onGrant
 * @returns {Promise<Grant>}
 */
async function putOriginal(body, request, { endpoint, own, signal, onWaiting }, options, report, onGrant) {
  const ask = async () => (options.grant ? options.grant(request, signal) : callOnce(`${endpoint}/uploads`, {
    method: 'POST',
    headers: { ...await own(), 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
  }, signal));
  /** @type {Grant | undefined} */
  let grant;
  let refusals = 0;

  const renew = async () => {
    report({ phase: 'granting', loaded: 0 });
    /** @type {Grant} */
    const answer = await unlessAborted(signal, (resolve, reject) => ask().then(resolve, reject)).catch((cause) => {
      // That is how fetch tells of a lost connection. The app's server has answered before.
      if (grant && cause instanceof TypeError) throw new UploadError('network', 'The service cannot be reached.', { retryable: true, cause });
      throw cause;
    });
    reach(endpoint); // an app's server that asks for the grant has reached it
    const known = grant?.id;
    grant = answer;
    onGrant(grant);
    if (grant.id !== known) options.onGranted?.({ id: grant.id, secret: grant.secret ?? request.secret });
    return grant;
  };
  const attempt = async () => {
    // A server that made a secret of its own would make another upload.
    let current = grant && grant.secret !== request.secret ? grant : await renew();
    while (current.upload) {
      try {
        await put(body, current.upload, (loaded) => report({ phase: 'uploading', loaded }), signal);
        break;
      } catch (error) {
        // The storage knows whether the grant has expired; the clock of this device may be wrong.
        const renewals = /expired/i.test(String(error?.cause)) ? RENEWALS : 1;
        if (error?.status !== 403 || refusals++ >= renewals) throw error;
        current = await renew();
      }
    }
    return current;
  };
  return retry(endpoint, attempt, { signal, onWaiting });
}

/**
 * Deletes an upload that is aborted. Its file may arrive a moment later.
 *
 * @param {UploadOptions & {secret: string}} options
 * @param {string} id
 */
function undo({ endpoint, headers, secret }, id) {
  const late = connect({ endpoint, headers, secret });
  const deletion = (async () => {
    try {
      if (await deleteFrom(late, id)) return;
      await sleep(LATE_ARRIVAL);
      await deleteFrom(late, id);
    } catch {
      // The upload is aborted; there is nobody to tell.
    }
  })();
  deletions.set(secret, deletion);
  deletion.finally(() => deletions.delete(secret));
}
