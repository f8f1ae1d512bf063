/**
 * uploads.js: a list of uploads that grows and shrinks, for components that show it.
 */

/** @import {Manifest, Overall, Progress, UploadOptions} from './presize.js' */

import { queue } from './queue.js';
import { deleteUpload } from './presize.js';
import { forget } from './unfinished.js';
import { createSecret, upload } from './upload.js';

/**
 * @typedef {object} Item          one file
 * @property {string} key          of its own, in this list
 * @property {File} file
 * @property {'queued' | Progress['phase'] | 'ready' | 'failed'} status
 * @property {number} progress     how much of the file is sent, from 0 to 1
 * @property {boolean} waiting     for the connection, which is lost
 * @property {string} [preview]    a URL of the file itself, where browsers can show its type
 * @property {string} [id]         of the upload, once it is granted
 * @property {string} secret       of the upload
 * @property {Manifest} [manifest] once it is ready
 * @property {any} [error]         an UploadError, if it has failed
 *
 * @typedef {Omit<UploadOptions, 'secret' | 'signal' | 'onGranted' | 'onProgress'> & {
 *   parallel?: number | undefined,
 *   onReady?: ((manifest: Manifest, item: Item) => void) | undefined,
 *   onError?: ((error: any, item: Item) => void) | undefined,
 * }} ListOptions  `parallel` is how many files are sent at a time, 3 by default
 */

/** Types of which browsers may not show a file. Its upload's placeholder comes first for them. */
const NO_PREVIEW = /hei[cf]|tiff/i;

/**
 * Makes a list of uploads.
 *
 * @param {() => ListOptions} options  asked when an upload begins
 */
export function createUploads(options) {
  /** @type {Item[]} */
  let items = [];
  /** @type {Map<string, AbortController>} */
  const running = new Map();
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const run = queue(options().parallel ?? 3);
  let keys = 0;

  const set = (next) => {
    items = next;
    for (const listener of listeners) listener();
  };
  const change = (key, changes) => set(items.map((item) => (item.key === key ? { ...item, ...changes } : item)));
  const find = (key) => items.find((item) => item.key === key);

  async function start(key) {
    const { parallel, onReady, onError, ...current } = options();
    const item = find(key);
    if (!item || running.has(key)) return;
    const controller = new AbortController();
    const { signal } = controller;
    running.set(key, controller);
    change(key, { status: 'queued', progress: 0, error: undefined });
    let manifest;
    try {
      manifest = await run(() => upload(item.file, {
        ...current,
        signal,
        secret: item.secret,
        onGranted: ({ id, secret }) => change(key, { id, secret }),
        onProgress({ phase, loaded, total, waiting = false }) {
          const sent = { uploading: loaded / (total || 1), processing: 1 }[phase] ?? 0;
          change(key, { status: phase, progress: sent, waiting });
        },
      }), signal);
    } catch (error) {
      running.delete(key); // before the app is told, which may try again
      if (signal.aborted) return;
      change(key, { status: 'failed', waiting: false, error });
      const failed = find(key);
      if (failed) onError?.(error, failed);
      return;
    }
    running.delete(key);
    change(key, { status: 'ready', progress: 1, waiting: false, manifest });
    const done = find(key);
    if (done) onReady?.(manifest, done); // outside of try: an error of the app is not one of the upload
  }

  /** @param {Item} item */
  const drop = ({ key, preview }) => {
    running.get(key)?.abort();
    if (preview) URL.revokeObjectURL(preview);
    set(items.filter((other) => other.key !== key));
  };

  return {
    /** @param {() => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    items: () => items,

    /**
     * Adds files and uploads them.
     *
     * @param {Iterable<File> | ArrayLike<File> | null} files
     */
    add(files) {
      const added = Array.from(files ?? []).map((file) => ({
        key: String(++keys),
        file,
        /** @type {Item['status']} */
        status: 'queued',
        progress: 0,
        waiting: false,
        secret: createSecret(),
        preview: /^image\//.test(file.type) && !NO_PREVIEW.test(file.type) ? URL.createObjectURL(file) : undefined,
      }));
      set([...items, ...added]);
      for (const { key } of added) start(key);
    },

    /**
     * Tries a failed upload again. What has arrived is not sent again, unless the service has failed to
     * render it: for that it takes another upload.
     *
     * @param {string} key
     */
    retry(key) {
      const item = find(key);
      if (item?.status !== 'failed') return;
      if (item.error?.code === 'failed') change(key, { secret: createSecret(), id: undefined });
      start(key);
    },

    /**
     * Takes an upload off the list: one that runs is cancelled, one that is ready is deleted from the service. Of
     * one that has failed, what has arrived is deleted if it can be, and nothing is kept for unfinished().
     *
     * @param {string} key
     * @returns {Promise<void>}
     */
    async remove(key) {
      const item = find(key);
      if (!item) return;
      const { endpoint, headers, keep } = options();
      const { id, secret, status } = item;
      const erase = async () => { if (id) await deleteUpload(id, { secret, endpoint, headers }); };
      if (status === 'ready') await erase();
      drop(item);
      if (status !== 'failed') return;
      if (keep) await forget(secret);
      await erase().catch(() => {}); // it is off the list, so there is nobody to tell
    },

    /** Takes every upload off the list that is ready; they stay with the service. */
    clear() {
      for (const item of items.filter(({ status }) => status === 'ready')) drop(item);
    },
  };
}

/**
 * Returns the progress of all uploads together.
 *
 * @param {Item[]} items
 * @returns {Overall}
 */
export function overall(items) {
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  return {
    loaded: sum(items.map(({ file, progress, status }) => (status === 'failed' ? 1 : progress) * file.size)),
    total: sum(items.map(({ file }) => file.size)),
    done: items.filter(({ status }) => status === 'ready').length,
    failed: items.filter(({ status }) => status === 'failed').length,
    files: items.length,
  };
}
