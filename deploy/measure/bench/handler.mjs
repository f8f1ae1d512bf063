// A Lambda function in Node.js that imports sharp and answers every event at once. `make cold` compares its start with
// that of presize's functions. It calls Lambda's Runtime API itself, as a bootstrap does.

import { request } from 'node:http';
import sharp from 'sharp';

const invocations = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

/** Sends a request and returns the response, read to its end. */
const send = (method, path, body) => new Promise((resolve, reject) => {
  request(`${invocations}/${path}`, { method }, (response) => {
    response.resume().on('end', () => resolve(response));
  }).on('error', reject).end(body);
});

for (;;) {
  const { headers } = await send('GET', 'next');
  await send('POST', `${headers['lambda-runtime-aws-request-id']}/response`, JSON.stringify(sharp.versions));
}
