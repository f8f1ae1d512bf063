/**
 * transport.js: the requests of presize.js, their errors, and their retries.
 */

/**
 * @typedef {object} Problem       RFC 9457
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} [detail]
 * @property {string} [instance]   the id of the request
 * @property {{pointer: string, detail: string}[]} [errors]
 */

/** Attempts at one request, the first included. */
const ATTEMPTS = 4;
/** The longest pause before a retry (ms). If the service asks for a longer one, the request fails. */
const LONGEST_PAUSE = 60_000;
/** How long the service may take to answer (ms); it waits for a change for 20 s at most. */
const ANSWER_TIMEOUT = 30_000;
/** How long an upload may make no progress (ms). */
const STALL_TIMEOUT = 60_000;

/** The error of an upload that failed or was rejected. */
export class UploadError extends Error {
  name = 'UploadError';

  /**
   * @param {string} code
   * @param {string} message
   * @param {{retryable?: boolean, status?: number, retryAfter?: number, problem?: Problem,
   *   manifest?: import('./presize.js').Manifest, cause?: unknown}} [more]
   */
  constructor(code, message, { retryable = false, status, retryAfter, problem, manifest, cause } = {}) {
    super(message, { cause });
    /**
     * For programs: a rejection code of the service (`too-many-pixels`), the name of
     * a problem type (the end of `urn:presize:problem:…`), `http-<status>` where an
     * answer gave no reason, or `network`, `unreadable` or `failed`.
     */
    this.code = code;
    /** Whether the same upload can succeed if it is tried again. */
    this.retryable = retryable;
    /** The HTTP status, where there was an answer. */
    this.status = status;
    /** How long the answer asked to wait (ms), where it did. */
    this.retryAfter = retryAfter;
    /** The service's problem document, where there is one. */
    this.problem = problem;
    /** The manifest of a rejected or failed upload. */
    this.manifest = manifest;
  }
}

/**
 * Sends a request to the API, with retries.
 *
 * @param {string} url
 * @param {RequestInit} init
 * @param {AbortSignal} [signal]
 * @returns {Promise<{body: any, url: string}>}  the answer's JSON, and the URL that gave it
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export function call(url, init, signal) {
  return retry(async () => {
    let response, text;
    try {
      const timeout = AbortSignal.timeout(ANSWER_TIMEOUT);
      response = await fetch(url, { ...init, cache: 'no-store', signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
      text = await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      throw new UploadError('network', 'The service cannot be reached.', { retryable: true, cause });
    }
    const body = parse(text);
    if (response.ok && (body || response.status === 202 && !text)) return { body, url: response.url };
    throw refusal(response, body);
  }, signal);
}

/**
 * Uploads a file with its grant, with retries.
 *
 * @param {Blob} file
 * @param {{method: string, url: string, headers: Record<string, string>}} request
 * @param {(loaded: number) => void} onLoaded  told the bytes sent so far
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export function put(file, request, onLoaded, signal) {
  return retry(() => putOnce(file, request, onLoaded, signal), signal);
}

/**
 * Uses XMLHttpRequest, because fetch does not report progress of uploads.
 *
 * @returns {Promise<void>}
 */
function putOnce(file, { method, url, headers }, onLoaded, signal) {
  return new Promise((resolve, reject) => {
    onLoaded(0);
    signal?.throwIfAborted(); // after onLoaded, which may abort: what is not yet sent cannot be
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    const started = performance.now();
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);

    // The timeout counts from the start, and may be changed meanwhile. Extended at every
    // progress event, it limits the time without progress.
    xhr.timeout = STALL_TIMEOUT;
    xhr.upload.onprogress = ({ loaded }) => {
      xhr.timeout = performance.now() - started + STALL_TIMEOUT;
      onLoaded(loaded);
    };
    xhr.onload = () => {
      // 412: the file has arrived already, and an earlier answer was lost. The URL works once.
      if (xhr.status < 300 || xhr.status === 412) return resolve();
      reject(new UploadError(`http-${xhr.status}`, `The storage refused the file (status ${xhr.status}).`, {
        status: xhr.status,
        retryable: isTransient(xhr.status) || xhr.status === 409, // two conditional writes at once: S3 asks to repeat
        // getResponseHeader would warn in the console where the bucket does not expose the header.
        retryAfter: milliseconds(/^retry-after: *(.+)$/im.exec(xhr.getAllResponseHeaders())?.[1]),
      }));
    };
    xhr.onerror = xhr.ontimeout = () => reject(new UploadError('network', 'The connection was lost during the upload.', { retryable: true }));
    xhr.onabort = () => reject(signal?.reason);
    xhr.onloadend = () => signal?.removeEventListener('abort', abort);
    signal?.addEventListener('abort', abort);
    xhr.send(file);
  });
}

/** @returns {any} undefined if the text is not JSON: a proxy may answer with a page */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Turns an answer that is not a success into an error. */
function refusal(response, body) {
  const isProblem = response.headers.get('Content-Type')?.startsWith('application/problem+json');
  const problem = isProblem ? body : undefined;
  const name = /^urn:presize:problem:(.+)$/.exec(problem?.type)?.[1];
  const message = problem?.detail ?? problem?.title ?? `The service gave an unexpected answer (status ${response.status}).`;
  return new UploadError(name ?? `http-${response.status}`, message, {
    problem,
    status: response.status,
    retryable: isTransient(response.status),
    retryAfter: milliseconds(response.headers.get('Retry-After')),
  });
}

function isTransient(httpStatus) {
  return httpStatus === 429 || httpStatus >= 500;
}

/** Reads a Retry-After header: seconds, or a date (RFC 9110 §10.2.3). */
function milliseconds(retryAfter) {
  if (!retryAfter) return undefined;
  const seconds = Number(retryAfter);
  const pause = Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1000;
  return Number.isNaN(pause) ? undefined : Math.max(0, pause);
}

/** Repeats an attempt that fails with a retryable error, a few times. */
async function retry(attempt, signal) {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      // Half of the pause is random, so that clients that failed together do not retry together.
      const pause = error?.retryAfter ?? 500 * 2 ** failures * (0.5 + Math.random() / 2);
      if (!error?.retryable || failures === ATTEMPTS || pause > LONGEST_PAUSE) throw error;
      await sleep(pause, signal);
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 * @throws  the signal's reason, once it is aborted
 */
export function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
