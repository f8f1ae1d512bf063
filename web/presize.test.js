import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { UploadError, complete, createSecret, deleteUpload, getUpload, presets, upload } from './presize.js';
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

/** Uploads to the service, and returns the manifest. */
const send = (file = PHOTO, options = {}) => upload(file, { preset: 'photo', endpoint: service.endpoint, ...options });

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

  it('is given up where the answer asks for too long a wait', async () => {
    service.faults.grant = [answer(503, '', { 'Retry-After': '3600' })];
    const error = await fail();
    assert.deepEqual([error.retryable, error.retryAfter, pauses], [true, 3_600_000, []]);
  });

  it('is a lost connection too', async () => {
    service.faults.put = Array(4).fill(drop);
    const error = await fail();
    assert.deepEqual([error.code, error.retryable], ['network', true]);
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
  });
});

describe('the put', () => {
  it('that arrived before its answer was lost goes on to the status', async () => {
    service.faults.put = [function (request, response, body) {
      this.original = body;
      drop(request);
    }];
    await send();
    assert.deepEqual(service.log, ['grant', 'put', 'put', 'status']);
  });

  it('that met another one is tried again', async () => {
    service.faults.put = [answer(409)];
    await send();
    assert.deepEqual(service.log, ['grant', 'put', 'put', 'status']);
  });

  it('that was too late for its grant gets a new one, a few times, for the same upload', async () => {
    service.lifetime = -1;
    service.faults.put = [answer(403)];
    await send();
    assert.deepEqual(service.log, ['grant', 'put', 'grant', 'put', 'status']);

    service.original = undefined;
    service.log = [];
    service.asked = [];
    service.faults.put = Array(4).fill(answer(403));
    const error = await fail();
    assert.deepEqual([error.code, service.log], ['http-403', Array(4).fill(['grant', 'put']).flat()]);
    assert.equal(new Set(service.asked.map(({ secret }) => secret)).size, 1);
  });

  it('that arrived although its answer was lost, and its grant expired meanwhile, is not repeated', async () => {
    service.lifetime = -1;
    service.faults.put = [function (request, response, body) {
      this.put(request, { writeHead() {}, end() {} }, body);
      answer(403)(request, response);
    }];
    await send();
    assert.deepEqual(service.log, ['grant', 'put', 'grant', 'status']);
  });

  it('that is refused in time is not repeated', async () => {
    service.faults.put = [answer(403)];
    const error = await fail();
    assert.deepEqual([error.code, error.retryable, service.log], ['http-403', false, ['grant', 'put']]);
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

  it('does not wait for an upload that is not there', async () => {
    await assert.rejects(complete('x', { endpoint: service.endpoint }), { code: 'upload-not-found' });
  });
});

describe('presets', () => {
  it('lists them', async () => {
    assert.deepEqual(await presets({ endpoint: service.endpoint }), [{ name: 'photo' }]);
  });
});

describe('an aborted signal', () => {
  const REASON = new Error('changed my mind');

  for (const [phase, log] of Object.entries({ hashing: [], granting: [], uploading: ['grant'], processing: ['grant', 'put'] })) {
    it(`ends the upload with its reason, and nothing more is sent: ${phase}`, async () => {
      const controller = new AbortController();
      const onProgress = (progress) => progress.phase === phase && controller.abort(REASON);
      await assert.rejects(send(PHOTO, { signal: controller.signal, onProgress }), REASON);
      assert.deepEqual(service.log, log);
    });
  }

  for (const step of ['grant', 'put', 'status']) {
    it(`ends a request that has no answer yet: ${step}`, async () => {
      const controller = new AbortController();
      let closed;
      service.faults[step] = [(request) => {
        closed = new Promise((resolve) => request.socket.on('close', resolve));
        controller.abort(REASON);
      }];
      await assert.rejects(send(PHOTO, { signal: controller.signal }), REASON);
      await closed;
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

  it('deletes the upload, however often the answer is lost', async () => {
    const secret = createSecret();
    const { id } = await send(PHOTO, { secret });
    const { endpoint } = service;
    const denied = await deleteUpload(id, { endpoint, secret: createSecret() }).catch((error) => error);
    assert.deepEqual([denied.code, denied.retryable], ['forbidden', false]);
    assert.ok(service.original);
    service.faults.delete = [drop];
    await deleteUpload(id, { endpoint, secret });
    assert.equal(service.original, undefined);
    await deleteUpload(id, { endpoint, secret });
    assert.deepEqual(service.log.slice(-4), ['delete', 'delete', 'delete', 'delete']);
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
