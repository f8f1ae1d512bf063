/**
 * many.js: uploads of several files.
 */

/** @import {ForUpload, Manifest, Overall, UploadOptions} from './presize.js' */

import { queue } from './queue.js';
import { upload } from './upload.js';

/**
 * Uploads several images, a few at a time, and waits for all. One that fails does not stop the others.
 *
 * @param {Iterable<File>} files
 * @param {Omit<UploadOptions, 'secret' | 'onProgress' | 'onGranted'> & {
 *   parallel?: number | undefined,
 *   onProgress?: ((progress: Overall) => void) | undefined,
 *   each?: ((file: File, index: number) => ForUpload & {
 *     signal?: AbortSignal | undefined,
 *     onReady?: ((manifest: Manifest) => void) | undefined,
 *   }) | undefined,
 * }} [options]  `parallel` is how many at a time, 3 by default; `each` gives what is not the same for all
 * @returns {Promise<PromiseSettledResult<Manifest>[]>}  in the order of the files
 */
export async function uploadAll(files, { parallel = 3, onProgress = () => {}, each = () => ({}), ...common } = {}) {
  const run = queue(parallel);
  const all = [...files];
  const sent = all.map(() => 0);
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  let overall = { loaded: 0, total: sum(all.map(({ size }) => size)), done: 0, failed: 0, files: all.length };
  const report = (index, share, change = {}) => {
    sent[index] = Math.max(sent[index], share * all[index].size); // a repeated request does not count backwards
    overall = { ...overall, ...change, loaded: sum(sent) };
    onProgress(overall);
  };
  return Promise.allSettled(all.map(async (file, index) => {
    const { onProgress: onOwnProgress, onReady, ...own } = each(file, index);
    const signal = AbortSignal.any([common.signal, own.signal].filter((one) => one !== undefined));
    let manifest;
    try {
      signal.throwIfAborted();
      manifest = await run(() => upload(file, {
        ...common,
        ...own,
        signal,
        onProgress(progress) {
          onOwnProgress?.(progress);
          if (progress.phase === 'uploading') report(index, progress.loaded / (progress.total || 1));
        },
      }), signal);
    } catch (error) {
      report(index, 1, { failed: overall.failed + 1 });
      throw error;
    }
    report(index, 1, { done: overall.done + 1 });
    try {
      onReady?.(manifest);
    } catch (error) {
      reportError(error); // of the app: the upload is ready
    }
    return manifest;
  }));
}
