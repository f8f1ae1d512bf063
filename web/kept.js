/** Where the page keeps what was uploaded here. */
const KEY = 'presize.uploads';
/** The oldest uploads beyond this number are forgotten. */
const MOST = 100;

/**
 * @typedef {object} Kept
 * @property {string} id
 * @property {string} secret  proves that the upload is ours
 * @property {string} name    of the file
 * @property {string} preset
 */

/**
 * Makes the list of the uploads that were done in this browser. Where the browser
 * keeps nothing for the page, the list lives as long as the page.
 *
 * @param {Storage} [storage]
 */
export function keptUploads(storage) {
  /** @type {Kept[]} */
  let known = [];

  /** Lists the uploads, the oldest first. Other tabs may have kept some too. */
  function list() {
    try {
      const found = JSON.parse(storage.getItem(KEY));
      return found.filter(({ id, secret, name, preset }) => [id, secret, name, preset].every((text) => typeof text === 'string'));
    } catch {
      return known; // nothing is stored, or nothing that we wrote
    }
  }

  /** @param {Kept[]} uploads */
  function write(uploads) {
    known = uploads.slice(-MOST);
    try {
      storage.setItem(KEY, JSON.stringify(known));
    } catch {
      // The page goes on without.
    }
  }

  return {
    list,
    /** @param {Kept} upload */
    keep({ id, secret, name, preset }) {
      write([...list().filter((other) => other.id !== id), { id, secret, name, preset }]);
    },
    /** @param {string} id */
    forget(id) {
      write(list().filter((other) => other.id !== id));
    },
  };
}
