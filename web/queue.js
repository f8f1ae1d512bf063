/**
 * Makes a queue that runs at most `places` jobs at a time, in the order they came.
 *
 * @param {number} places
 */
export function queue(places) {
  /** @type {Set<() => void>} */
  const waiting = new Set();

  /**
   * @template T
   * @param {() => Promise<T>} job
   * @param {AbortSignal} signal  removes a waiting job from the queue
   * @returns {Promise<T>}        what the job returns, or the signal's reason
   */
  return async function run(job, signal) {
    if (places > 0) places--;
    else await turn(signal);
    try {
      return await job();
    } finally {
      const [next] = waiting;
      if (next) next();
      else places++;
    }
  };

  /** Waits for the place of a job that ends. */
  function turn(signal) {
    return /** @type {Promise<void>} */ (new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(enter);
        reject(signal.reason);
      };
      const enter = () => {
        waiting.delete(enter);
        signal.removeEventListener('abort', leave); // which may outlive the job, and its file
        resolve();
      };
      waiting.add(enter);
      signal.addEventListener('abort', leave, { once: true });
    }));
  }
}
