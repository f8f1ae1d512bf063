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
 * @property {string | undefined} [preset]
 * @property {string | undefined} [reference]
 * @property {string | undefined} [endpoint]
 * @property {number | undefined} [maxEdge]   the same file scaled to another edge has other bytes
 *
 * @typedef {Mark & {type: string, secret: string, since: number}} Record
 *
 * @typedef {object} Unfinished
 * @property {string} name        of the file
 * @property {File | undefined} [file]        where the browser could keep a copy; else ask for the file again
 * @property {{secret: string, preset?: string | undefined, reference?: string | undefined, endpoint?: string | undefined,
 *   maxEdge?: number | undefined, keep: true}} options  for upload()
 * @property {() => Promise<void>} forget
 */

/** The secrets of the kept uploads that run in this page. */
const running = new Set();
/**
 * The claims of this page by secret, each with what gives it up.
 *
 * @type {Map<string, Promise<null | ((value?: any) => void)>>}
 */
const claims = new Map();

/**
 * Keeps a file until its upload has ended. If the same file was kept before, it is that upload again,
 * unless it runs already, here or in another page.
 *
 * @param {File} file
 * @param {string} secret  of the upload if it is a new one
 * @param {import('./presize.js').UploadOptions} purpose
 * @returns {Promise<{secret: string, end: (over: boolean) => Promise<void>}>}  `end` forgets what is over
 */
export async function keep(file, secret, { preset, reference, endpoint, maxEdge }) {
  const { name, size, lastModified, type } = file;
  /** @type {Mark} */
  const mark = { name, size, lastModified, preset, reference, endpoint, maxEdge };
  const records = list();
  const known = records.find((record) => record.secret === secret)
    ?? records.find((record) => !running.has(record.secret) && Object.entries(mark).every(([key, value]) => record[key] === value));
  /** @type {Promise<void> | undefined} */
  let copied;
  if (known && await claim(known.secret) && (known.secret === secret || !running.has(known.secret))) {
    secret = known.secret;
  } else {
    await claim(secret); // before another page can know of it
    store([...list(), { ...mark, type, secret, since: Date.now() }]);
    copied = copy(file, secret).catch(() => {}); // then the person has to pick it again
  }
  running.add(secret);
  return {
    secret,
    async end(over) {
      running.delete(secret);
      await copied;
      if (over) await forget(secret);
    },
  };
}

/**
 * Lists the uploads with the option `keep` that a reload, a crash or a lost connection has ended. They
 * are this page's then: no other page lists them until it is closed.
 *
 * @returns {Promise<Unfinished[]>}
 */
export async function unfinished() {
  /** @type {Unfinished[]} */
  const found = [];
  for (const { secret, name, type, size, lastModified, since, ...purpose } of list()) {
    if (running.has(secret) || !await claim(secret)) continue;
    if (Date.now() - since > KEPT_FOR) {
      await forget(secret);
      continue;
    }
    const copied = await read(secret, size).catch(() => undefined);
    const file = copied && new File([copied], name, { type, lastModified });
    found.push({ name, file, options: { secret, ...purpose, keep: true }, forget: () => forget(secret) });
  }
  return found;
}

/**
 * Claims an upload for this page until it is forgotten, or the page is closed. Where the browser has no
 * locks, each page may have it.
 *
 * @param {string} secret
 * @returns  what gives the claim up, or nothing if the upload is another page's
 */
function claim(secret) {
  const claimed = claims.get(secret) ?? new Promise((resolve) => {
    const locks = globalThis.navigator?.locks;
    if (!locks) return resolve(() => {});
    locks.request(`${FOLDER}.${secret}`, { ifAvailable: true }, (lock) => {
      if (lock) return new Promise(resolve); // to end this promise is to release the lock
      claims.delete(secret);
      resolve(null);
    }).catch(() => resolve(() => {}));
  });
  claims.set(secret, claimed);
  return claimed;
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

/**
 * Removes what is kept of an upload.
 *
 * @param {string} secret
 */
export async function forget(secret) {
  store(list().filter((record) => record.secret !== secret));
  await folder().then((directory) => directory.removeEntry(secret)).catch(() => {}); // there was no copy
  (await claims.get(secret))?.();
  claims.delete(secret);
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
async function read(secret, size) {
  const copied = await (await (await folder()).getFileHandle(secret)).getFile();
  return copied.size === size ? copied : undefined;
}
