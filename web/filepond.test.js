import assert from 'node:assert/strict';
import { afterEach, beforeEach, it, mock } from 'node:test';
import { server } from './filepond.js';
import { createSecret } from './presize.js';
import { skipPauses } from './testdata/pauses.js';
import { Service } from './testdata/service.js';
import { XMLHttpRequest } from './testdata/xhr.js';

globalThis.XMLHttpRequest = XMLHttpRequest;

const PHOTO = new File([new Uint8Array(1000)], 'a.jpg', { type: 'image/jpeg' });

/** @type {Service} */
let service;
beforeEach(async () => {
  service = await Service.start();
  skipPauses();
});
afterEach(async () => {
  mock.restoreAll();
  await service.stop();
});

it('tells and uses the secret of the upload, where the app\'s own server has made it', async () => {
  const secret = createSecret();
  let told;
  const { process, revert } = server({
    endpoint: service.endpoint,
    grant: async (request) => (await fetch(`${service.endpoint}/uploads`, { method: 'POST', body: JSON.stringify({ ...request, secret }) })).json(),
    onReady: (manifest, upload) => { told = upload.secret; },
  });
  const id = await new Promise((load, fail) => { process('photos', PHOTO, {}, load, fail, () => {}, () => {}); });
  assert.equal(told, secret);
  await new Promise((load, fail) => { revert(id, load, fail); });
  assert.equal(service.original, undefined);
});
