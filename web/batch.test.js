import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sum } from './batch.js';

const member = (state, size = 100, sent = 0, retryable = false) => ({ state, size, sent, retryable });

it('sums up how far the uploads are, by their bytes', () => {
  const { share, open, sending, text } = sum([
    member('complete', 500), member('uploading', 400, 100), member('queued', 100), member('rejected', 200),
  ]);
  assert.equal(share, 800 / 1200);
  assert.deepEqual([open, sending], [2, true]);
  assert.equal(text, '1 of 4 photos ready, 1 rejected.');
});

it('counts what can be tried again', () => {
  const now = sum([member('failed', 1, 0, true), member('cancelled', 1, 0, true), member('ready'), member('ready', 1, 0, true)]);
  assert.deepEqual([now.open, now.again, now.share], [0, 3, 1]);
  assert.equal(now.text, '2 of 4 photos ready, 1 failed, 1 cancelled.');
});

for (const [state, sending] of Object.entries({
  queued: true, hashing: true, granting: true, uploading: true, processing: false, restoring: false, ready: false, complete: false, failed: false,
})) {
  it(`${sending ? 'keeps' : 'does not keep'} people on the page while a file is ${state}`, () => {
    assert.equal(sum([member('complete'), member(state)]).sending, sending);
  });
}

it('is done with nothing', () => assert.deepEqual([sum([]).share, sum([]).sending], [0, false]));
