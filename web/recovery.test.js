import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { unfinished, upload, uploadAll } from './presize.js';
import { createUploads } from './uploads.js';
import { setGlobal } from './testdata/globals.js';
import { skipPauses } from './testdata/pauses.js';
import { Service, answer, drop } from './testdata/service.js';
import { XMLHttpRequest } from './testdata/xhr.js';

globalThis.XMLHttpRequest = XMLHttpRequest;
globalThis.reportError = () => {}; // Node.js has none

const PHOTO = new File([new Uint8Array(100_000).fill(7)], 'IMG_1.JPG', { type: 'image/jpeg' });

let service;
beforeEach(async () => {
  service = await Service.start();
  skipPauses();
});
afterEach(async () => {
  mock.restoreAll();
  await service.stop();
});

const send = (options = {}) => upload(PHOTO, { preset: 'photo', endpoint: service.endpoint, absolute: false, ...options });

/** Gives the test a localStorage, and returns what is in it. */
function remember(t) {
  const store = new Map();
  setGlobal(t, 'localStorage', { getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value) });
  return store;
}

/** The Web Locks of a browser, as far as unfinished.js uses them: a lock that is held is not available. */
class Locks {
  held = new Set();
  #release = new Set();

  async request(name, options, use) {
    assert.deepEqual(options, { ifAvailable: true });
    await undefined; // the answer always comes later
    if (this.held.has(name)) return use(null);
    this.held.add(name);
    const closed = new Promise((resolve) => { this.#release.add(resolve); });
    await Promise.race([use({ name }), closed]);
    this.held.delete(name);
  }

  /** What the browser does with the locks of a page that is closed. */
  async release() {
    for (const resolve of this.#release) resolve();
    await new Promise(setImmediate);
  }
}

/** What an app's own server does. */
const ask = async (request) => (await fetch(`${service.endpoint}/uploads`, { method: 'POST', body: JSON.stringify(request) })).json();

describe('an upload', () => {
  it("waits for the connection where the app's own server asks for the grant", async () => {
    service.faults.put = Array(9).fill(drop);
    await send({ grant: ask });
  });

  it("asks the app's own server again where it could not be reached", async () => {
    service.faults.put = [drop];
    let n = 0;
    await send({
      grant: async (request) => {
        if (++n === 2) throw new TypeError('fetch failed');
        return ask(request);
      },
    });
  });

  it('counts two lost connections with minutes of transfer between as two', async () => {
    const now = performance.now;
    let extra = 0;
    mock.method(performance, 'now', () => now.call(performance) + extra);
    const slow = (request) => { extra += 180_000; drop(request); };
    service.faults.put = [slow, slow];
    await send();
  });

  it('is given two minutes after the browser is online again, however long it was offline', async (t) => {
    const navigator = { onLine: true };
    setGlobal(t, 'navigator', navigator);
    const offline = (request) => { navigator.onLine = false; drop(request); };
    const flaky = (request) => { navigator.onLine = true; drop(request); };
    service.faults.put = [offline, offline, offline, offline, flaky, flaky];
    await send();
  });

  it("ends when it is cancelled, also where the app's own server does not answer", async () => {
    const controller = new AbortController();
    const grant = () => { controller.abort(); return new Promise(() => {}); };
    await assert.rejects(send({ grant, signal: controller.signal }), { name: 'AbortError' });
  });

  it("tells of the last grant where the app's own server makes another secret for each", async () => {
    service.faults.put = [answer(403)];
    const told = [];
    let n = 0;
    const grant = async (request) => ({ ...await ask(request), id: `upload-${++n}`, secret: `secret-${n}` });
    await send({ grant, onGranted: ({ id, secret }) => told.push([id, secret]) });
    assert.deepEqual(told, [['upload-1', 'secret-1'], ['upload-2', 'secret-2']]);
  });

  it('deletes what has arrived, too, when it is cancelled while it asks for another grant', async () => {
    const controller = new AbortController();
    service.faults.put = [function (request, response, body) { this.original = body; drop(request); }];
    const deleted = new Promise((resolve) => {
      service.faults.delete = [function (...all) { resolve(); return this.delete(...all); }];
    });
    let grants = 0;
    await assert.rejects(send({ signal: controller.signal, onProgress: ({ phase }) => { if (phase === 'granting' && ++grants === 2) controller.abort(); } }));
    await deleted;
  });

  it('keeps nothing of what is cancelled while it is hashed', async (t) => {
    const store = remember(t);
    const controller = new AbortController();
    await assert.rejects(send({ keep: true, signal: controller.signal, onProgress: () => controller.abort() }));
    assert.equal(store.get('presize.unfinished'), '[]');
  });

  it('is not kept where the service has failed to render it: with its secret it would fail again', async (t) => {
    const store = remember(t);
    service.manifest = { id: 'x', status: 'failed' };
    await assert.rejects(send({ keep: true }), { code: 'failed' });
    assert.equal(store.get('presize.unfinished'), '[]');
  });

  it('of the same file, kept twice at a time, is two uploads', async (t) => {
    const store = remember(t);
    await Promise.all([send({ keep: true }), send({ keep: true })]);
    assert.equal(new Set(service.asked.map(({ secret }) => secret)).size, 2);
    assert.equal(store.get('presize.unfinished'), '[]');
  });

  it('is not unfinished while it runs, and goes on under its secret once it has ended', async (t) => {
    remember(t);
    let running;
    service.faults.status = Array(4).fill(answer(500));
    await assert.rejects(send({ keep: true, onProgress: () => { running ??= unfinished(); } }));
    assert.deepEqual(await running, []);
    const [{ options }] = await unfinished();
    await send({ keep: true });
    assert.deepEqual([...new Set(service.asked.map(({ secret }) => secret))], [options.secret]);
    assert.deepEqual(await unfinished(), []);
  });

  it('is unfinished each time that a page asks, also twice at a time, and not where another page has it', async (t) => {
    remember(t);
    service.faults.status = Array(4).fill(answer(500));
    await assert.rejects(send({ keep: true }));
    const locks = new Locks();
    setGlobal(t, 'navigator', { locks });
    const [page, other] = [await import('./unfinished.js?page'), await import('./unfinished.js?other')];
    const both = await Promise.all([page.unfinished(), page.unfinished()]); // as an effect of React asks in StrictMode
    assert.deepEqual(both.map((found) => found.length), [1, 1]);
    assert.deepEqual(await other.unfinished(), []);
    await locks.release(); // the page is closed
    const [found] = await other.unfinished();
    await found.forget();
    await new Promise(setImmediate); // until the lock is released
    assert.equal(locks.held.size, 0);
  });

  it('keeps to which edge the file is scaled', async (t) => {
    remember(t);
    service.faults.status = Array(9).fill(answer(500));
    await assert.rejects(send({ keep: true, maxEdge: 100 }));
    assert.equal((await unfinished())[0].options.maxEdge, 100);
  });

  it('can be tried again in onError', async () => {
    service.faults.grant = [answer(422, { type: 'x', title: 'no', status: 422 })];
    let list;
    await new Promise((resolve) => {
      list = createUploads(() => ({ endpoint: service.endpoint, onError: (error, { key }) => list.retry(key), onReady: resolve }));
      list.add([PHOTO]);
    });
    assert.equal(list.items()[0].status, 'ready');
  });

  it("is ready although the app's onReady throws", async () => {
    let last;
    const [result] = await uploadAll([PHOTO], {
      endpoint: service.endpoint,
      each: () => ({ onReady() { throw new Error('app'); } }),
      onProgress: (progress) => { last = progress; },
    });
    assert.deepEqual([result.status, last.done, last.failed], ['fulfilled', 1, 0]);
  });

  it('is tried again at a 503 after an outage', async () => {
    service.faults.put = [...Array(8).fill(drop), answer(503)];
    await send();
  });
});
