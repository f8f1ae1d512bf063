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
 * @property {AbortSignal | undefined} [signal]
 * @property {((waiting: boolean) => void) | undefined} [onWaiting]  told when a request waits for the connection, and when it goes on
 */

/** Attempts at one request, the first included. */
const ATTEMPTS = 4;
/** The same for a server that can't be reached, and never could. */
const CONNECTS = 5;
/** How long a server that was reached before may be unreachable while the browser says that it is online (ms). */
const OUTAGE = 120_000;
/** The longest pause before a retry for which no answer has asked (ms). */
const LONGEST_BACKOFF = 8_000;
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
   * For programs: a rejection code of the service (`too-many-pixels`), the name of
   * a problem type (the end of `urn:presize:problem:…`), `http-<status>` where an
   * answer gave no reason, or `network`, `timeout`, `unreadable` or `failed`.
   *
   * @type {string}
   */
  code;
  /** Whether the same upload can succeed if it is tried again. */
  retryable = false;
  /** @type {number | undefined} the HTTP status, where there was an answer */
  status;
  /** @type {number | undefined} how long the answer asked to wait (ms), where it did */
  retryAfter;
  /** @type {Problem | undefined} the service's problem document, where there is one */
  problem;
  /** @type {import('./presize.js').Manifest | undefined} of a rejected or failed upload */
  manifest;

  /**
   * @param {string} code
   * @param {string} message
   * @param {{retryable?: boolean, status?: number, retryAfter?: number | undefined, problem?: Problem | undefined,
   *   manifest?: import('./presize.js').Manifest | undefined, cause?: unknown}} [more]
   */
  constructor(code, message, { cause, ...more } = {}) {
    super(message, { cause });
    this.code = code;
    Object.assign(this, more);
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
  reach(url);
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
  onLoaded(0); // may abort, and what is not yet sent cannot be
  return unlessAborted(signal, (resolve, reject, settled) => {
    const xhr = new XMLHttpRequest();
    const started = performance.now();
    const limit = (ms) => { xhr.timeout = performance.now() - started + ms; };
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);

    // The timeout counts from the start, and may be changed meanwhile. Extended at every
    // progress event, it limits the time without progress.
    xhr.timeout = STALL_TIMEOUT;
    xhr.upload.onprogress = ({ loaded }) => {
      limit(STALL_TIMEOUT);
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
        cause: xhr.responseText,
      }));
    };
    xhr.onerror = xhr.ontimeout = xhr.onabort = () => { // some browsers abort by themselves
      reject(new UploadError('network', 'The connection was lost during the upload.', { retryable: true }));
    };
    settled.addEventListener('abort', () => xhr.abort());
    globalThis.addEventListener?.('online', () => limit(RECONNECTED_TIMEOUT), { signal: settled });
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

/** @param {string} url  maybe relative to the page */
export function originOf(url) {
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
      const backoff = Math.min(500 * 2 ** failures, LONGEST_BACKOFF) * (0.5 + Math.random() / 2);
      const pause = Math.max(error.retryAfter ?? 0, backoff);
      const offline = lost && globalThis.navigator?.onLine === false;
      const last = lost ? (reached.has(originOf(url)) ? now - outage >= OUTAGE : failures >= CONNECTS) : refusals >= ATTEMPTS;
      if (!offline && last || pause > LONGEST_PAUSE) throw error;
      if (lost) onWaiting(true);
      await sleep(offline ? LONGEST_PAUSE : pause, signal, lost);
      if (lost) onWaiting(false);
      if (offline) outage = undefined; // the network may need a moment after it
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
  return unlessAborted(signal, (resolve, reject, settled) => {
    const timer = setTimeout(resolve, ms);
    settled.addEventListener('abort', () => clearTimeout(timer));
    if (untilOnline) globalThis.addEventListener?.('online', () => resolve(), { signal: settled });
  });
}

/**
 * Makes a promise that is also rejected by the signal. Once it is settled, nothing of it is left on the
 * signal, which may outlive many uploads.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {(resolve: (value: T) => void, reject: (reason: any) => void, settled: AbortSignal) => void} begin
 *   `settled` is aborted when the promise is settled, and ends what begin has begun
 * @returns {Promise<T>}
 * @throws  the signal's reason, once it is aborted
 */
export function unlessAborted(signal, begin) {
  const settled = new AbortController();
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: settled.signal });
    begin(resolve, reject, settled.signal);
  }).finally(() => settled.abort());
}
