/**
 * unfinished.js: uploads that go on after a reload of the page.
 */

/** Where the browser keeps the list of them. */
const KEY = 'presize.unfinished';
/** The folder of the origin private file system that has their files. */
const FOLDER = 'presize';
/** When an upload is forgotten that nobody has gone on with (ms). */
const KEPT_FOR = 7 * 24 * 3_600_000;

/**
 * @typedef {object} Mark         what makes a file the same, for the same purpose
 * @property {string} name
 * @property {number} size
 * @property {number} lastModified
 * @property {string} [preset]
 * @property {string} [reference]
 * @property {string} [endpoint]
 * @property {number} [maxEdge]   the same file scaled to another edge has other bytes
 *
 * @typedef {Mark & {type: string, secret: string, since: number}} Record
 *
 * @typedef {object} Unfinished
 * @property {string} name        of the file
 * @property {File} [file]        where the browser could keep a copy; else ask for the file again
 * @property {{secret: string, preset?: string, reference?: string, endpoint?: string, maxEdge?: number, keep: true}} options  for upload()
 * @property {() => Promise<void>} forget
 */

/**
 * Keeps a file until its upload has ended. If the same file was kept before, it is that upload again.
 *
 * @param {File} file
 * @param {string} secret
 * @param {{preset?: string, reference?: string, endpoint?: string, maxEdge?: number}} purpose
 * @returns {{secret: string, forget: () => Promise<void>}}
 */
export function keep(file, secret, { preset, reference, endpoint, maxEdge }) {
  const { name, size, lastModified, type } = file;
  /** @type {Mark} */
  const mark = { name, size, lastModified, preset, reference, endpoint, maxEdge };
  const known = list().find((record) => Object.entries(mark).every(([key, value]) => record[key] === value));
  if (known) return { secret: known.secret, forget: () => forget(known.secret) };
  store([...list(), { ...mark, type, secret, since: Date.now() }]);
  const copied = copy(file, secret).catch(() => {}); // then the person has to pick it again
  return { secret, forget: () => copied.then(() => forget(secret)) };
}

/**
 * Lists the uploads with the option `keep` that a reload, a crash or a lost connection has ended.
 *
 * @returns {Promise<Unfinished[]>}
 */
export async function unfinished() {
  /** @type {Unfinished[]} */
  const found = [];
  for (const { secret, name, type, lastModified, since, preset, reference, endpoint, maxEdge } of list()) {
    if (Date.now() - since > KEPT_FOR) {
      await forget(secret);
      continue;
    }
    const copied = await read(secret).catch(() => undefined);
    const file = copied && new File([copied], name, { type, lastModified });
    found.push({ name, file, options: { secret, preset, reference, endpoint, maxEdge, keep: true }, forget: () => forget(secret) });
  }
  return found;
}

/** @returns {Record[]} */
function list() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]');
  } catch {
    return []; // nothing is kept for this page, or nothing that we wrote
  }
}

/** @param {Record[]} records */
function store(records) {
  try {
    localStorage.setItem(KEY, JSON.stringify(records));
  } catch {
    // The upload goes on without.
  }
}

/** @param {string} secret */
async function forget(secret) {
  store(list().filter((record) => record.secret !== secret));
  await folder().then((directory) => directory.removeEntry(secret)).catch(() => {}); // there was no copy
}

async function folder() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

async function copy(file, secret) {
  const entry = await (await folder()).getFileHandle(secret, { create: true });
  await file.stream().pipeTo(await entry.createWritable());
}

/** Returns the copy, if it is whole. */
async function read(secret) {
  const copied = await (await (await folder()).getFileHandle(secret)).getFile();
  return copied.size === list().find((record) => record.secret === secret)?.size ? copied : undefined;
}
