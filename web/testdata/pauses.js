import { mock } from 'node:test';

/**
 * Calls onPause instead of setTimeout for the pauses of transport.js; fetch sets
 * timers too. mock.restoreAll() ends it.
 *
 * @param {(resume: () => void, ms: number) => any} onPause
 */
export function interceptPauses(onPause) {
  const original = setTimeout;
  mock.method(globalThis, 'setTimeout', (resume, ms, ...rest) => {
    return new Error().stack.includes('/transport.js') ? onPause(resume, ms) : original(resume, ms, ...rest);
  });
}

/**
 * Makes the pauses of transport.js pass at once, and the clocks show that they
 * passed.
 *
 * @returns {number[]}  the pauses as they are asked for, in ms
 */
export function skipPauses() {
  const [now, date] = [performance.now, Date.now];
  const pauses = [];
  let skipped = 0;
  interceptPauses((resume, ms) => {
    pauses.push(ms);
    skipped += Math.max(0, ms);
    return setImmediate(resume);
  });
  mock.method(performance, 'now', () => now.call(performance) + skipped);
  mock.method(Date, 'now', () => date() + skipped);
  return pauses;
}
