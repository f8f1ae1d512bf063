/**
 * worker.js: prepare.js in a Web Worker.
 */

import { prepare } from './prepare.js';

onmessage = async ({ data: { file, maxEdge } }) => {
  postMessage(await prepare(file, maxEdge).catch((error) => ({ error })));
};
