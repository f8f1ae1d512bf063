/**
 * Gives a test a global of browsers that Node.js does not have, or has otherwise.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} name
 * @param {any} value
 */
export function setGlobal(t, name, value) {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true });
  t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
}
