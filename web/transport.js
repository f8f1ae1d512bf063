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
 * @property {{pointer: string, detail: string, code?: string}[]} [errors]
 *
 * @typedef {object} Waiting       how requests are repeated
 * @property {AbortSignal} [signal]
 * @property {(waiting: boolean) => void} [onWaiting]  told when a request waits for the connection, and when it goes on
 */

/** Attempts at one request, the first included. */
const ATTEMPTS = 4;
/** The same for a server that can't be reached, and never could. */
const CONNECTS = 5;
/** How long a server that was reached before may be unreachable while the browser says that it is online (ms). */
const OUTAGE = 120_000;
/** The longest pause before a server that can't be reached is tried again (ms). */
const OUTAGE_PAUSE = 8_000;
/** The longest pause before a retry (ms). If the service asks for a longer one, the request fails. */
const LONGEST_PAUSE = 60_000;
/** How long the service may take to answer (ms); it waits for a change for 20 s at most. */
const ANSWER_TIMEOUT = 30_000;
/** How long an upload may make no progress (ms). */
const STALL_TIMEOUT = 60_000;
/** The same after the connection has come back: the old one may be dead without a sign (ms). */
const RECONNECTED_TIMEOUT = 5_000;

/**
 * The origins that have answered this page. That one of them can't be reached is an outage,
 * and worth waiting for. Of any other it may as well be a wrong endpoint, or a missing one of
 * the service's allowedOrigins.
 *
 * @type {Set<string>}
 */
const reached = new Set();

/**
 * Notes that the server of a URL can be reached.
 *
 * @param {string} url
 */
export function reach(url) {
  reached.add(originOf(url));
}

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
     * answer gave no reason, or `network`, `timeout`, `unreadable` or `failed`.
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
 * @param {Waiting} [waiting]
 * @returns {Promise<any>}  the answer's JSON
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export function call(url, init, waiting = {}) {
  return retry(url, () => callOnce(url, init, waiting.signal), waiting);
}

/**
 * Sends a request to the API once.
 *
 * @param {string} url
 * @param {RequestInit} init
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}  the answer's JSON
 */
export async function callOnce(url, init, signal) {
  let response, text;
  try {
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT);
    response = await fetch(url, { cache: 'no-store', ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    text = await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new UploadError('network', 'The service cannot be reached.', { retryable: true, cause });
  }
  reached.add(originOf(url));
  const body = parse(text);
  if (response.ok && (body || response.status === 202 && !text)) return body;
  throw refusal(response, body);
}

/**
 * Uploads a file with its grant, once. It uses XMLHttpRequest, because fetch does not
 * report the progress of uploads.
 *
 * @param {Blob} file
 * @param {{method: string, url: string, headers: Record<string, string>}} request
 * @param {(loaded: number) => void} onLoaded  told the bytes sent so far
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 * @throws {UploadError}  or the signal's reason, once it is aborted
 */
export function put(file, { method, url, headers }, onLoaded, signal) {
  return new Promise((resolve, reject) => {
    onLoaded(0);
    signal?.throwIfAborted(); // after onLoaded, which may abort: what is not yet sent cannot be
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    const started = performance.now();
    const limit = (ms) => { xhr.timeout = performance.now() - started + ms; };
    const reconnect = () => limit(RECONNECTED_TIMEOUT);
    const fail = () => reject(new UploadError('network', 'The connection was lost during the upload.', { retryable: true }));
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);

    // The timeout counts from the start, and may be changed meanwhile. Extended at every
    // progress event, it limits the time without progress.
    xhr.timeout = STALL_TIMEOUT;
    xhr.upload.onprogress = ({ loaded }) => {
      reached.add(originOf(url));
      limit(STALL_TIMEOUT);
      onLoaded(loaded);
    };
    xhr.onload = () => {
      reached.add(originOf(url));
      // 412: the file has arrived already, and an earlier answer was lost. The URL works once.
      if (xhr.status < 300 || xhr.status === 412) return resolve();
      reject(new UploadError(`http-${xhr.status}`, `The storage refused the file (status ${xhr.status}).`, {
        status: xhr.status,
        retryable: isTransient(xhr.status) || xhr.status === 409, // two conditional writes at once: S3 asks to repeat
        // getResponseHeader would warn in the console where the bucket does not expose the header.
        retryAfter: milliseconds(/^retry-after: *(.+)$/im.exec(xhr.getAllResponseHeaders())?.[1]),
        cause: xhr.responseText,
      }));
    };
    xhr.onerror = xhr.ontimeout = fail;
    xhr.onabort = () => (signal?.aborted ? reject(signal.reason) : fail()); // some browsers abort by themselves
    xhr.onloadend = () => {
      signal?.removeEventListener('abort', abort);
      globalThis.removeEventListener?.('online', reconnect);
    };
    signal?.addEventListener('abort', abort);
    globalThis.addEventListener?.('online', reconnect);
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
  /** @type {Problem | undefined} */
  const problem = isProblem ? body : undefined;
  const errors = problem?.errors ?? [];
  const fault = errors.every(({ code }) => code) ? errors[0]?.code : undefined; // the file's, and not the app's
  const name = /^urn:presize:problem:(.+)$/.exec(problem?.type ?? '')?.[1];
  const message = problem?.detail ?? problem?.title ?? `The service gave an unexpected answer (status ${response.status}).`;
  return new UploadError(fault ?? name ?? `http-${response.status}`, message, {
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

function originOf(url) {
  return new URL(url, globalThis.location?.href).origin;
}

/**
 * Repeats an attempt that fails with a retryable error, a few times. While the browser is
 * offline, it waits without limit.
 *
 * @template T
 * @param {string} url  that of the service
 * @param {() => Promise<T>} attempt
 * @param {Waiting} waiting
 * @returns {Promise<T>}
 */
export async function retry(url, attempt, { signal, onWaiting = () => {} }) {
  let outage; // since when there was no connection
  let [refusals, breaks] = [0, 0];
  for (let failures = 1; ; failures++) {
    const began = performance.now();
    try {
      return await attempt();
    } catch (error) {
      if (!error?.retryable) throw error;
      const lost = error.code === 'network';
      const now = performance.now();
      outage = lost ? outage ?? now : undefined;
      if (!lost) refusals++;
      // An attempt that lasted so long had a connection: this is another outage.
      else if (now - began > OUTAGE && breaks++ < ATTEMPTS) outage = now;
      // Half of the pause is random, so that clients that failed together do not retry together.
      const backoff = 500 * 2 ** (lost ? failures : Math.min(failures, ATTEMPTS)) * (0.5 + Math.random() / 2);
      const pause = error.retryAfter ?? (lost ? Math.min(backoff, OUTAGE_PAUSE) : backoff);
      const offline = lost && globalThis.navigator?.onLine === false;
      const last = lost ? (reached.has(originOf(url)) ? now - outage >= OUTAGE : failures >= CONNECTS) : refusals >= ATTEMPTS;
      if (!offline && last || pause > LONGEST_PAUSE) throw error;
      if (lost) onWaiting(true);
      await sleep(offline ? LONGEST_PAUSE : pause, signal, lost);
      if (lost) onWaiting(false);
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @param {boolean} [untilOnline]  ends when the browser goes online, if that is sooner
 * @returns {Promise<void>}
 * @throws  the signal's reason, once it is aborted
 */
export function sleep(ms, signal, untilOnline = false) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      globalThis.removeEventListener?.('online', end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
    if (untilOnline) globalThis.addEventListener?.('online', end);
  });
}
