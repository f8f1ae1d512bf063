import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { setGlobal } from './testdata/globals.js';
import { skipPauses } from './testdata/pauses.js';
import { Service, answer, drop } from './testdata/service.js';
import { XMLHttpRequest } from './testdata/xhr.js';
import { unfinished } from './unfinished.js';
import { createUploads, overall } from './uploads.js';

globalThis.XMLHttpRequest = XMLHttpRequest;

const PHOTO = new File([new Uint8Array(1000)], 'a.jpg', { type: 'image/jpeg' });
const HEIC = new File([new Uint8Array(1000)], 'a.heic', { type: 'image/heic' });

/** @type {Service} */
let service;
/** @type {ReturnType<typeof createUploads>} */
let list;
/** Told of each upload that ends. */
let ends;

beforeEach(async () => {
  service = await Service.start();
  skipPauses();
  ends = new EventTarget();
  const tell = (what) => () => ends.dispatchEvent(new Event(what));
  list = createUploads(() => ({ endpoint: service.endpoint, onReady: tell('ready'), onError: tell('error') }));
});

afterEach(async () => {
  mock.restoreAll();
  await service.stop();
});

describe('a list of uploads', () => {
  it('tells every step of an upload, and previews what browsers can show', async () => {
    const steps = new Set();
    list.subscribe(() => list.items().forEach(({ status }) => steps.add(status)));
    list.add([PHOTO]);
    await once(ends, 'ready');
    assert.deepEqual([...steps], ['queued', 'hashing', 'granting', 'uploading', 'processing', 'ready']);
    const [item] = list.items();
    assert.deepEqual([item.manifest.status, item.progress, item.id], ['ready', 1, 'abcdefghijklmnopqrstuvwxyz']);
    assert.deepEqual(overall(list.items()), { loaded: 1000, total: 1000, done: 1, failed: 0, files: 1 });
    list.add([HEIC]);
    assert.deepEqual(list.items().map(({ preview }) => preview?.slice(0, 5)), ['blob:', undefined]);
    await once(ends, 'ready');
  });

  it('tries a failed upload again under its own secret, and sends nothing twice', async () => {
    service.faults.status = Array(4).fill(answer(500));
    list.add([PHOTO]);
    await once(ends, 'error');
    const [{ key, status, error }] = list.items();
    assert.deepEqual([status, error.code, overall(list.items()).failed], ['failed', 'http-500', 1]);
    list.retry(key);
    await once(ends, 'ready');
    assert.equal(service.log.filter((step) => step === 'put').length, 1);
    assert.equal(new Set(service.asked.map(({ secret }) => secret)).size, 1);
    list.retry(key); // it is ready
    assert.equal(list.items()[0].status, 'ready');
  });

  it('tries an image that could not be rendered as another upload', async () => {
    service.faults.status = [answer(200, { id: 'x', status: 'failed' })];
    list.add([PHOTO]);
    await once(ends, 'error');
    service.original = undefined; // of the other upload there is none
    list.retry(list.items()[0].key);
    await once(ends, 'ready');
    assert.equal(new Set(service.asked.map(({ secret }) => secret)).size, 2);
  });

  it('deletes an upload that is ready, and keeps it on the list where that fails', async () => {
    list.add([PHOTO]);
    await once(ends, 'ready');
    const [{ key }] = list.items();
    service.faults.delete = [answer(403)];
    await assert.rejects(list.remove(key), { code: 'http-403' });
    assert.equal(list.items().length, 1);
    await list.remove(key);
    assert.deepEqual([list.items(), service.original], [[], undefined]);
    await list.remove(key);
  });

  it('deletes what has arrived of an upload that failed, and keeps nothing of it', async (t) => {
    const store = new Map();
    setGlobal(t, 'localStorage', { getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value) });
    const failed = new Promise((onError) => { list = createUploads(() => ({ endpoint: service.endpoint, keep: true, onError })); });
    service.faults.status = Array(4).fill(answer(500));
    list.add([PHOTO]);
    await failed;
    assert.equal((await unfinished()).length, 1);
    const removed = list.remove(list.items()[0].key);
    assert.deepEqual(list.items(), []); // at once
    await removed;
    assert.equal(service.original, undefined);
    assert.deepEqual(await unfinished(), []);

    service.faults.status = Array(4).fill(answer(500));
    service.faults.delete = [answer(403)];
    list.add([PHOTO]);
    await new Promise((resolve) => { const stop = list.subscribe(() => { if (list.items()[0]?.status === 'failed') resolve(stop()); }); });
    await list.remove(list.items()[0].key);
    assert.deepEqual(list.items(), []);
  });

  it('cancels an upload that runs, and leaves those that are ready with the service', async () => {
    list.add([PHOTO]);
    await once(ends, 'ready');
    list.clear();
    assert.deepEqual(list.items(), []);
    assert.ok(service.original);

    service.faults.grant = [() => ends.dispatchEvent(new Event('asked'))]; // and never answers
    list.add([PHOTO]);
    await once(ends, 'asked');
    await list.remove(list.items()[0].key);
    assert.deepEqual(list.items(), []);
    service.faults.grant = [drop];
    list.add([PHOTO]);
    await once(ends, 'ready');
  });
});
