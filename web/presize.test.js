import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { UploadError, complete, createSecret, deleteUpload, getUpload, presets, ready, upload, uploadAll } from './presize.js';
import { prepare } from './prepare.js';
import { setGlobal } from './testdata/globals.js';
import { interceptPauses, skipPauses } from './testdata/pauses.js';
import { Service, answer, drop } from './testdata/service.js';
import { XMLHttpRequest } from './testdata/xhr.js';

globalThis.XMLHttpRequest = XMLHttpRequest;

const PROCESSING = answer(200, { status: 'processing' });
const PHOTO = new File([new Uint8Array(100_000).fill(7)], 'IMG_1.JPG', { type: 'image/jpeg' });

/** @type {Service} */
let service;
/** Every pause that the module asked for, in ms. */
let pauses;

beforeEach(async () => {
  service = await Service.start();
  pauses = skipPauses();
});

afterEach(async () => {
  mock.restoreAll();
  await service.stop();
});

/** Uploads to the service, and returns the manifest as the service has it. */
const send = (file = PHOTO, options = {}) => upload(file, { preset: 'photo', endpoint: service.endpoint, absolute: false, ...options });

/** Uploads to the service, and returns the error that it must end with. */
async function fail(file, options) {
  const error = await send(file, options).then(() => assert.fail('the upload succeeded'), (reason) => reason);
  assert.ok(error instanceof UploadError, String(error?.stack));
  return error;
}

describe('upload', () => {
  it('puts exactly the file, and resolves to the manifest that is ready', async () => {
    service.faults.status = [PROCESSING];
    const manifest = await send();
    assert.deepEqual(manifest, service.manifest);
    assert.deepEqual(service.original, Buffer.from(await PHOTO.arrayBuffer()));
    assert.match(service.asked[0].secret, /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
    assert.deepEqual(service.asked, [{
      secret: service.asked[0].secret,
      contentType: 'image/jpeg',
      bytes: PHOTO.size,
      sha256: createHash('sha256').update(service.original).digest('base64'),
      filename: 'IMG_1.JPG',
      preset: 'photo',
    }]);
    assert.deepEqual(service.log, ['grant', 'put', 'status', 'status']);
  });

  it('sends the headers to the API, and not to the storage', async () => {
    const seen = {};
    for (const step of ['grant', 'put', 'status']) {
      service.faults[step] = [function (request, response, body) {
        seen[step] = request.headers.authorization;
        this[step](request, response, body);
      }];
    }
    await send(PHOTO, { headers: { Authorization: 'Bearer x' } });
    assert.deepEqual(seen, { grant: 'Bearer x', put: undefined, status: 'Bearer x' });
  });

  it('asks for the headers of each request, where they are a function', async () => {
    const seen = [];
    for (const step of ['grant', 'status']) {
      service.faults[step] = [function (request, response, body) {
        seen.push(request.headers.authorization);
        this[step](request, response, body);
      }];
    }
    let tokens = 0;
    await send(PHOTO, { headers: async () => ({ Authorization: `Bearer ${++tokens}` }) });
    assert.deepEqual(seen, ['Bearer 1', 'Bearer 2']);
  });

  it('reports its phases in order, each up to the whole file', async () => {
    const seen = [];
    await send(PHOTO, { onProgress: (progress) => seen.push(progress) });
    assert.deepEqual([...new Set(seen.map(({ phase }) => phase))], ['hashing', 'granting', 'uploading', 'processing']);
    for (const phase of ['hashing', 'uploading', 'processing']) {
      const loaded = seen.filter((progress) => progress.phase === phase).map((progress) => progress.loaded);
      assert.equal(loaded.at(-1), PHOTO.size, phase);
      assert.deepEqual(loaded, loaded.toSorted((a, b) => a - b), phase);
    }
    assert.ok(seen.every(({ total }) => total === PHOTO.size));
  });

  for (const [name, type, want] of [
    ['a.heic', '', 'image/heic'],
    ['a.HEIF', '', 'image/heif'],
    ['a.b.Avif', '', 'image/avif'],
    ['scan.tif', '', 'image/tiff'],
    ['a.jpg', 'image/png', 'image/png'],
    ['a.xyz', '', 'application/octet-stream'],
    ['jpg', '', 'image/jpeg'],
  ]) {
    it(`declares ${name} of type "${type}" as ${want}`, async () => {
      await send(new File(['x'], name, { type }));
      assert.equal(service.asked[0].contentType, want);
    });
  }

  it('sends the bytes that it hashed, of a file that changes in between', async () => {
    const file = new File(['before'], 'a.jpg', { type: 'image/jpeg' });
    let reads = 0;
    file.arrayBuffer = async () => new TextEncoder().encode(reads++ ? 'after' : 'before').buffer;
    file.stream = () => assert.fail('read once more');
    await send(file);
    assert.equal(String(service.original), 'before');
    assert.equal(service.asked[0].sha256, createHash('sha256').update('before').digest('base64'));
  });

  it('declares what the bytes are, whatever the system says', async () => {
    await send(new File(['\x89PNG\r\n\x1a\n'].map((text) => Uint8Array.from(text, (c) => c.charCodeAt(0))), 'a.jpg', { type: 'image/jpeg' }));
    assert.equal(service.asked[0].contentType, 'image/png');
  });

  it('leaves the digest out where there is no WebCrypto, and of a file too large for it', async (t) => {
    await send(new File([new Uint8Array(64 * 2 ** 20 + 1)], 'large.jpg', { type: 'image/jpeg' }));
    service.original = undefined;
    const random = crypto.getRandomValues.bind(crypto);
    t.mock.getter(globalThis, 'crypto', () => ({ getRandomValues: random }));
    await send();
    assert.deepEqual(service.asked.map(({ sha256 }) => sha256), [undefined, undefined]);
  });

  it('says so where the file cannot be read', async () => {
    const file = new File(['x'], 'folder');
    file.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
    const error = await fail(file);
    assert.equal(error.code, 'unreadable');
    assert.equal(error.cause.name, 'NotReadableError');
    assert.deepEqual(service.log, []);
  });
});

describe('what is transient', () => {
  for (const step of ['grant', 'put', 'status']) {
    it(`is tried again, a few times: ${step}`, async () => {
      service.faults[step] = [drop, answer(503), answer(429)];
      await send();
      assert.equal(service.log.filter((each) => each === step).length, 4);
      assert.equal(pauses.length, 3);
      pauses.forEach((pause, at) => assert.ok(pause >= 500 * 2 ** at && pause <= 1000 * 2 ** at, `${pauses}`));
    });

    it(`is not tried for ever: ${step}`, async () => {
      service.faults[step] = Array(9).fill(answer(500));
      const error = await fail();
      assert.deepEqual([error.code, error.status, error.retryable], ['http-500', 500, true]);
      assert.equal(service.log.filter((each) => each === step).length, 4);
    });

    it(`waits as long as the answer asks: ${step}`, async () => {
      const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + 30_000).toUTCString();
      service.faults[step] = [answer(503, '', { 'Retry-After': '7' }), answer(429, '', { 'Retry-After': date })];
      await send();
      assert.equal(pauses[0], 7_000);
      assert.ok(pauses[1] > 15_000 && pauses[1] <= 31_000, `${pauses}`);
    });
  }

  it('is not tried at once, whatever the answer says', async () => {
    const past = new Date(Date.now() - 3_600_000).toUTCString(); // this device's clock may be ahead
    service.faults.grant = [answer(429, '', { 'Retry-After': '0' }), answer(503, '', { 'Retry-After': past })];
    await send();
    pauses.forEach((pause, at) => assert.ok(pause >= 500 * 2 ** at, `${pauses}`));
  });

  it('is given up where the answer asks for too long a wait', async () => {
    service.faults.grant = [answer(503, '', { 'Retry-After': '3600' })];
    const error = await fail();
    assert.deepEqual([error.retryable, error.retryAfter, pauses], [true, 3_600_000, []]);
  });

  it('is a lost connection too: a server that has answered before is waited for, for two minutes', async () => {
    service.faults.put = Array(99).fill(drop);
    const error = await fail();
    assert.deepEqual([error.code, error.retryable], ['network', true]);
    const waited = pauses.reduce((sum, pause) => sum + pause, 0);
    assert.ok(waited > 110_000 && waited < 130_000, `${waited}`);
    assert.ok(pauses.every((pause) => pause <= 8_000), `${pauses}`);
  });

  it('is a server that was never there, but not for long', async () => {
    const gone = await Service.start();
    await gone.stop();
    const error = await upload(PHOTO, { endpoint: gone.endpoint }).catch((reason) => reason);
    assert.deepEqual([error.code, error.retryable, pauses.length], ['network', true, 4]);
  });

  it('is waited for as long as the browser is offline, and no longer', async (t) => {
    let online = false;
    const page = new EventTarget();
    setGlobal(t, 'navigator', { get onLine() { return online; } });
    setGlobal(t, 'addEventListener', page.addEventListener.bind(page));
    let rounds = 0;
    mock.restoreAll();
    interceptPauses((resume) => {
      if (++rounds < 10) return setImmediate(resume);
      online = true;
      return setImmediate(() => page.dispatchEvent(new Event('online')));
    });
    const seen = [];
    service.faults.put = Array(10).fill(drop);
    await send(PHOTO, { onProgress: ({ phase, waiting }) => seen.push(`${phase} ${waiting}`) });
    assert.equal(service.log.filter((step) => step === 'put').length, 11);
    assert.ok(seen.includes('uploading true'), `${seen}`);
    assert.equal(seen.at(-1), 'processing undefined');
    assert.equal(getEventListeners(page, 'online').length, 0);
  });

  it('is not a proxy page with status 200', async () => {
    service.faults.grant = [answer(200, '<!doctype html>')];
    const error = await fail();
    assert.deepEqual([error.code, error.retryable, error.problem], ['http-200', false, undefined]);
  });
});

describe('a refused grant', () => {
  it('carries the problem, and is not tried again', async () => {
    const problem = {
      type: 'urn:presize:problem:invalid-request',
      title: 'Invalid request',
      status: 422,
      detail: 'The file is too large.',
      errors: [{ pointer: '#/bytes', detail: 'must be at most 52428800' }],
    };
    service.faults.grant = [answer(422, problem)];
    const error = await fail();
    assert.deepEqual([error.code, error.message, error.status, error.retryable], ['invalid-request', problem.detail, 422, false]);
    assert.deepEqual(error.problem, problem);
    assert.deepEqual(service.log, ['grant']);

    problem.errors[0].code = 'too-many-bytes';
    service.faults.grant = [answer(422, problem)];
    assert.equal((await fail()).code, 'too-many-bytes');
    problem.errors.push({ pointer: '#/preset', detail: 'There is no preset "x".' });
    service.faults.grant = [answer(422, problem)];
    assert.equal((await fail()).code, 'invalid-request');
  });
});

describe('the put', () => {
  it('that arrived before its answer was lost is not sent again', async () => {
    service.faults.put = [function (request, response, body) {
      this.original = body;
      drop(request);
    }];
    await send();
    assert.deepEqual(service.log, ['grant', 'put', 'grant', 'status']);
  });

  it('that met another one is tried again', async () => {
    service.faults.put = [answer(409)];
    await send();
    assert.deepEqual(service.log, ['grant', 'put', 'grant', 'put', 'status']);
  });

  const EXPIRED = answer(403, '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>');

  it('that was too late for its grant gets a new one, a few times, for the same upload', async () => {
    service.faults.put = [EXPIRED, EXPIRED, EXPIRED];
    await send();
    assert.deepEqual(service.log, [...Array(4).fill(['grant', 'put']).flat(), 'status']);
    assert.equal(new Set(service.asked.map(({ secret }) => secret)).size, 1);

    service.original = undefined;
    service.log = [];
    service.faults.put = Array(9).fill(EXPIRED);
    const error = await fail();
    assert.deepEqual([error.code, service.log], ['http-403', Array(4).fill(['grant', 'put']).flat()]);
  });

  it('is not stopped by a clock that is wrong', async () => {
    service.lifetime = -3_600_000;
    await send();
    assert.deepEqual(service.log, ['grant', 'put', 'status']);
  });

  it('that arrived although its answer was lost, and its grant expired meanwhile, is not repeated', async () => {
    service.faults.put = [function (request, response, body) {
      this.put(request, { writeHead() {}, end() {} }, body);
      EXPIRED(request, response);
    }];
    await send();
    assert.deepEqual(service.log, ['grant', 'put', 'grant', 'status']);
  });

  it('that is refused for another reason is repeated once, with a new grant', async () => {
    service.faults.put = Array(9).fill(answer(403));
    const error = await fail();
    assert.deepEqual([error.code, error.retryable, service.log], ['http-403', false, ['grant', 'put', 'grant', 'put']]);
  });

  it('that the browser aborts by itself is tried again', async (t) => {
    const send_ = XMLHttpRequest.prototype.send;
    let sent = 0;
    t.mock.method(XMLHttpRequest.prototype, 'send', function (body) {
      if (sent++ === 0) return setImmediate(() => this.abort());
      return send_.call(this, body);
    });
    assert.equal((await send()).status, 'ready');
  });
});

describe('the status', () => {
  const NOT_FOUND = answer(404, { type: 'urn:presize:problem:upload-not-found', title: 'There is no such upload' });

  it('may be unknown right after the put', async () => {
    service.faults.status = [NOT_FOUND, NOT_FOUND, NOT_FOUND];
    assert.equal((await send()).status, 'ready');
  });

  it('may not stay unknown', async () => {
    service.faults.status = Array(100).fill(NOT_FOUND);
    assert.equal((await fail()).code, 'upload-not-found');
    assert.ok(service.log.length < 20, `${service.log}`);
  });

  it('is asked for at growing intervals where the service does not hold its answers', async () => {
    service.faults.status = Array(12).fill(PROCESSING);
    await send();
    assert.equal(pauses.length, 12);
    assert.ok(pauses.every((pause) => pause > 0 && pause <= 5_000), `${pauses}`);
    assert.ok(pauses.at(-1) > pauses[0]);
  });

  it('rejected is an error with the sentence and the manifest', async () => {
    service.manifest = { id: 'x', status: 'rejected', rejection: { code: 'too-many-pixels', detail: 'The image has 400 megapixels.' } };
    const error = await fail();
    assert.deepEqual([error.code, error.message, error.retryable], ['too-many-pixels', 'The image has 400 megapixels.', false]);
    assert.deepEqual(error.manifest, service.manifest);
  });

  it('failed is an error that can be tried again', async () => {
    service.manifest = { id: 'x', status: 'failed' };
    let error = await fail();
    assert.deepEqual([error.code, error.retryable], ['failed', true]);
    service.manifest.failure = { detail: 'The fault is ours.' };
    error = await fail();
    assert.deepEqual([error.code, error.message, error.retryable], ['failed', 'The fault is ours.', true]);
  });
});

describe('a grant from the app\'s own server', () => {
  it('is asked for the same request, and renewed', async () => {
    const asked = [];
    const grant = async (request) => {
      asked.push(request);
      const answered = await fetch(`${service.endpoint}/uploads`, { method: 'POST', body: JSON.stringify(request) });
      return answered.json();
    };
    service.faults.put = [drop];
    assert.equal((await send(PHOTO, { grant })).status, 'ready');
    assert.deepEqual(JSON.parse(JSON.stringify(asked)), service.asked);
    assert.deepEqual(service.log, ['grant', 'put', 'grant', 'put', 'status']);
  });

  it('with a secret of the server\'s own is used again, and the secret told', async () => {
    const secret = createSecret();
    const grant = async (request) => {
      const answered = await fetch(`${service.endpoint}/uploads`, { method: 'POST', body: JSON.stringify({ ...request, secret }) });
      return answered.json();
    };
    const told = [];
    service.faults.put = [drop];
    await send(PHOTO, { grant, onGranted: (granted) => told.push(granted.secret) });
    assert.deepEqual(service.log, ['grant', 'put', 'put', 'status']);
    assert.deepEqual(told, [secret]);
  });

  it('has no say in where the secret and the headers go', async (t) => {
    const other = await Service.start();
    t.after(() => other.stop());
    const grant = async (request) => {
      const answered = await fetch(`${service.endpoint}/uploads`, { method: 'POST', body: JSON.stringify(request) });
      return { ...await answered.json(), statusUrl: `${other.endpoint}/uploads/x` };
    };
    const controller = new AbortController();
    service.faults.status = [answer(200, { status: 'processing' }), () => controller.abort()];
    const deleted = new Promise((resolve) => {
      service.faults.delete = [function (...all) { resolve(); this.delete(...all); }];
    });
    await assert.rejects(send(PHOTO, { grant, headers: { Authorization: 'Bearer x' }, signal: controller.signal }));
    assert.deepEqual(other.log, []);
    await deleted;
    assert.deepEqual(service.log, ['grant', 'put', 'status', 'status', 'delete']);
  });

  it('with a secret of the server\'s own is followed with that secret', async () => {
    const secret = createSecret();
    const grant = async (request) => {
      const answered = await fetch(`${service.endpoint}/uploads`, { method: 'POST', body: JSON.stringify({ ...request, secret }) });
      return answered.json();
    };
    let seen;
    service.faults.status = [function (request, response) {
      seen = request.headers['upload-secret'];
      this.status(request, response);
    }];
    await send(PHOTO, { grant });
    assert.equal(seen, secret);
  });

  it('that fails is the upload\'s own error', async () => {
    const refused = new Error('not signed in');
    await assert.rejects(send(PHOTO, { grant: () => Promise.reject(refused) }), refused);
    assert.deepEqual(service.log, []);
  });
});

describe('URLs', () => {
  const MANIFEST = {
    id: 'x', status: 'ready', complete: true, preset: 'photo',
    variants: [{ name: '320', url: '/i/x/0/320.webp' }, { name: '320', url: 'https://cdn.example/i/x/0/320.jpg' }],
    sizes: [{ name: '320', autoUrl: '/i/x/0/320' }, { name: '640' }],
    picture: '<source srcset="/i/x/0/320.webp 320w, /p/x/0/640.webp?Policy=a&amp;b 640w"><img src="/i/x/0/320.jpg" alt="">',
  };

  it('have the host of another origin\'s service', async () => {
    service.manifest = MANIFEST;
    const { origin } = service;
    const manifest = await upload(PHOTO, { endpoint: service.endpoint });
    assert.deepEqual(manifest.variants.map(({ url }) => url), [`${origin}/i/x/0/320.webp`, 'https://cdn.example/i/x/0/320.jpg']);
    assert.deepEqual(manifest.sizes.map(({ autoUrl }) => autoUrl), [`${origin}/i/x/0/320`, undefined]);
    assert.equal(manifest.picture, `<source srcset="${origin}/i/x/0/320.webp 320w, ${origin}/p/x/0/640.webp?Policy=a&amp;b 640w"><img src="${origin}/i/x/0/320.jpg" alt="">`);
    assert.deepEqual(await complete('x', { endpoint: service.endpoint }), manifest);
    assert.deepEqual(await getUpload('x', { endpoint: service.endpoint }), manifest);
  });

  it('of the page\'s own service have one only where it is wanted', async (t) => {
    service.manifest = MANIFEST;
    setGlobal(t, 'location', new URL('/app', service.origin));
    assert.deepEqual(await getUpload('x', { endpoint: service.endpoint }).catch((error) => error.code), 'upload-not-found');
    service.original = Buffer.from('x');
    assert.deepEqual(await getUpload('x', { endpoint: service.endpoint }), MANIFEST);
    assert.equal((await getUpload('x', { endpoint: service.endpoint, absolute: true })).variants[0].url, `${service.origin}/i/x/0/320.webp`);
  });
});

describe('complete', () => {
  it('waits for every variant', async () => {
    service.original = Buffer.from('x');
    const ready = service.manifest;
    service.manifest = { ...ready, complete: true };
    service.faults.status = [answer(200, ready), answer(200, ready)];
    let authorization;
    service.faults.status.unshift((request, response) => {
      authorization = request.headers.authorization;
      answer(200, ready)(request, response);
    });
    assert.deepEqual(await complete(ready.id, { endpoint: service.endpoint, headers: { Authorization: 'Bearer x' } }), service.manifest);
    assert.equal(service.log.length, 4);
    assert.equal(authorization, 'Bearer x');
  });

  it('asks the CDN of its own host between ready and complete, and the API where that fails', async (t) => {
    setGlobal(t, 'location', new URL('/', service.origin));
    service.original = Buffer.from('x');
    const almost = { ...service.manifest, reference: 'order/17', variants: [{ url: '/i/x/0a1b2c3d/320.webp' }] };
    const { reference, ...published } = almost;
    const urls = [];
    service.status = (request, response) => {
      urls.push(`${request.url} ${request.headers.prefer}`);
      const answers = [almost, published, '', almost, { ...published, complete: true }];
      const body = answers[urls.length - 1];
      answer(body ? 200 : 404, body)(request, response);
    };
    assert.deepEqual(await complete('x', { endpoint: service.endpoint }), { ...almost, complete: true });
    assert.deepEqual(urls, [
      '/api/v1/uploads/x undefined', '/i/x/manifest.json undefined', '/i/x/manifest.json undefined',
      '/api/v1/uploads/x wait=10', '/i/x/manifest.json undefined',
    ]);
  });

  it('does not wait for an upload that is not there', async () => {
    await assert.rejects(complete('x', { endpoint: service.endpoint }), { code: 'upload-not-found' });
  });
});

describe('ready', () => {
  it('goes on with an upload whose file is there, and gives up in the end', async () => {
    service.original = Buffer.from('x');
    service.faults.status = [PROCESSING];
    assert.equal((await ready('x', { endpoint: service.endpoint })).status, 'ready');
    service.faults.status = Array(999).fill(PROCESSING);
    const error = await ready('x', { endpoint: service.endpoint }).catch((reason) => reason);
    assert.deepEqual([error.code, error.retryable, error.manifest.status], ['timeout', true, 'processing']);
    const waited = pauses.reduce((sum, pause) => sum + pause, 0);
    assert.ok(waited > 890_000 && waited < 920_000, `${waited}`);
  });
});

describe('uploadAll', () => {
  const files = (count) => Array.from({ length: count }, (_, at) => new File([new Uint8Array(1000)], `${at}.jpg`, { type: 'image/jpeg' }));

  it('uploads a few at a time, tells the progress of all, and goes on after an error', async () => {
    let open = 0, most = 0;
    service.grant = (request, response) => answer(200, { id: 'x', statusUrl: '/api/v1/uploads/x' })(request, response);
    service.status = (request, response) => {
      most = Math.max(most, ++open);
      setImmediate(() => { open--; answer(200, service.manifest)(request, response); });
    };
    service.faults.grant = [answer(422, { type: 'urn:presize:problem:invalid-request', title: 'no', errors: [{ pointer: '#/bytes', detail: 'x', code: 'empty' }] })];
    const seen = [], ready = [];
    const results = await uploadAll(files(7), {
      endpoint: service.endpoint, parallel: 2, onProgress: (progress) => seen.push(progress),
      each: (file) => ({ onReady: () => ready.push(file.name) }),
    });
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    assert.equal(results.find(({ status }) => status === 'rejected').reason.code, 'empty');
    assert.ok(most <= 2, `${most} at once`);
    assert.deepEqual(seen.at(-1), { loaded: 7000, total: 7000, done: 6, failed: 1, files: 7 });
    assert.deepEqual(seen.map(({ loaded }) => loaded), seen.map(({ loaded }) => loaded).toSorted((a, b) => a - b));
    assert.equal(ready.length, 6);
  });

  it('is aborted as a whole, and one by one', async () => {
    const reason = new Error('enough');
    const one = AbortSignal.abort(reason);
    const results = await uploadAll(files(3), { endpoint: service.endpoint, absolute: false, each: (file, index) => (index === 1 ? { signal: one } : {}) });
    assert.deepEqual(results.map((result) => result.reason ?? result.status), ['fulfilled', reason, 'fulfilled']);
    const all = await uploadAll(files(3), { endpoint: service.endpoint, signal: one });
    assert.deepEqual(all.map((result) => result.reason), [reason, reason, reason]);
  });
});

describe('presets', () => {
  it('lists them', async () => {
    assert.deepEqual(await presets({ endpoint: service.endpoint }), [{ name: 'photo' }]);
  });
});

describe('a signal that lives on', () => {
  /** Does in this thread what worker.js does in its own. */
  class Worker {
    postMessage({ file, maxEdge }) {
      prepare(file, maxEdge).then((data) => this.onmessage({ data }));
    }

    terminate() {}
  }

  it('has no listener left of an upload that has ended, which would keep its file', async (t) => {
    setGlobal(t, 'Worker', Worker);
    const { signal } = new AbortController();
    const secret = createSecret();
    const controller = new AbortController();
    service.faults.status = [() => controller.abort()];
    await assert.rejects(send(PHOTO, { secret, signal: controller.signal }));
    service.faults.grant = [drop, answer(503)];
    await send(PHOTO, { secret, signal }); // after the deletion of the other one
    service.faults.grant = [answer(422)];
    await fail(PHOTO, { signal });
    assert.deepEqual([getEventListeners(signal, 'abort'), getEventListeners(controller.signal, 'abort')], [[], []]);
  });
});

describe('an aborted signal', () => {
  const REASON = new Error('changed my mind');
  /** Resolves when nothing is left of an aborted upload, and the same is uploaded. */
  const settled = (secret) => send(PHOTO, { secret });

  for (const [phase, log] of Object.entries({ hashing: [], granting: [], uploading: ['grant'], processing: ['grant', 'put'] })) {
    it(`ends the upload with its reason: ${phase}`, async () => {
      const controller = new AbortController();
      const secret = createSecret();
      const onProgress = (progress) => progress.phase === phase && controller.abort(REASON);
      await assert.rejects(send(PHOTO, { secret, signal: controller.signal, onProgress }), REASON);
      assert.deepEqual(service.log.slice(0, log.length), log);
      assert.ok(!service.log.includes('status'));
      await settled(secret);
    });
  }

  it('deletes what has arrived, and an upload with the same secret waits for that', async () => {
    const secret = createSecret();
    const controller = new AbortController();
    service.faults.status = [() => controller.abort(REASON)];
    await assert.rejects(send(PHOTO, { secret, signal: controller.signal }), REASON);
    await send(PHOTO, { secret });
    assert.deepEqual(service.log, ['grant', 'put', 'status', 'delete', 'grant', 'put', 'status']);
  });

  it('deletes what arrives a moment later', async () => {
    const secret = createSecret();
    const controller = new AbortController();
    let arrive;
    service.faults.put = [function (request, response, body) {
      arrive = () => { this.original = body; };
      controller.abort(REASON);
    }];
    service.faults.delete = [function (request, response) {
      this.delete(request, response);
      arrive();
    }];
    await assert.rejects(send(PHOTO, { secret, signal: controller.signal }), REASON);
    await send(PHOTO, { secret });
    assert.deepEqual(service.log, ['grant', 'put', 'delete', 'delete', 'grant', 'put', 'status']);
  });

  for (const step of ['grant', 'put', 'status']) {
    it(`ends a request that has no answer yet: ${step}`, async () => {
      const controller = new AbortController();
      const secret = createSecret();
      let closed;
      service.faults[step] = [(request) => {
        closed = new Promise((resolve) => request.socket.on('close', resolve));
        controller.abort(REASON);
      }];
      await assert.rejects(send(PHOTO, { secret, signal: controller.signal }), REASON);
      await closed;
      await settled(secret);
    });
  }

  it('ends a pause', async () => {
    const controller = new AbortController();
    interceptPauses(() => setImmediate(() => controller.abort(REASON)));
    service.faults.grant = [answer(503)];
    await assert.rejects(send(PHOTO, { signal: controller.signal }), REASON);
    assert.deepEqual(service.log, ['grant']);
  });

  it('lets nothing begin', async () => {
    await assert.rejects(send(PHOTO, { signal: AbortSignal.abort(REASON) }), REASON);
    assert.deepEqual(service.log, []);
  });
});

describe('the secret', () => {
  it('is the same in every request for the upload, and told to nobody else', async () => {
    const secret = createSecret();
    const seen = { grant: [], put: [], status: [] };
    const ids = [];
    for (const step of Object.keys(seen)) {
      const watch = function (request, response, body) {
        seen[step].push(request.headers['upload-secret'] ?? JSON.parse(step === 'grant' ? body : 'null')?.secret);
        this[step](request, response, body);
      };
      service.faults[step] = [watch];
    }
    service.faults.grant.unshift(drop);
    await send(PHOTO, { secret, reference: 'order/17', onGranted: ({ id }) => ids.push(id) });
    assert.deepEqual(seen, { grant: [secret], put: [undefined], status: [secret] });
    assert.deepEqual(ids, ['abcdefghijklmnopqrstuvwxyz']);
    assert.equal(service.asked[0].reference, 'order/17');
  });

  it('is 32 random bytes in base64url', () => {
    const secrets = new Set(Array.from({ length: 1000 }, createSecret));
    assert.equal(secrets.size, 1000);
    for (const secret of secrets) {
      assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
      assert.equal(Buffer.from(secret, 'base64url').length, 32);
      assert.equal(Buffer.from(secret, 'base64url').toString('base64url'), secret);
    }
  });

  it('deletes the upload, however often the answer is lost, or there is too much to do', async () => {
    const secret = createSecret();
    const { id } = await send(PHOTO, { secret });
    const { endpoint } = service;
    const denied = await deleteUpload(id, { endpoint, secret: createSecret() }).catch((error) => error);
    assert.deepEqual([denied.code, denied.retryable], ['forbidden', false]);
    assert.ok(service.original);
    service.faults.delete = [drop, answer(429), answer(429)];
    await deleteUpload(id, { endpoint, secret });
    assert.equal(service.original, undefined);
    await deleteUpload(id, { endpoint, secret });
    assert.deepEqual(service.log.slice(-6), Array(6).fill('delete'));
  });

  it('shows the upload', async () => {
    const secret = createSecret();
    const { id } = await send(PHOTO, { secret });
    let seen;
    service.faults.status = [function (request, response) {
      seen = request.headers['upload-secret'];
      this.status(request, response);
    }];
    assert.deepEqual(await getUpload(id, { endpoint: service.endpoint, secret }), service.manifest);
    assert.equal(seen, secret);
  });
});
