// Uploads a photo with a client that is generated from api/openapi.yaml.

import { readFileSync } from 'node:fs';
import createClient from 'openapi-fetch';
import type { paths } from './openapi.js';

const [endpoint, photo] = process.argv.slice(2) as [string, string];
const client = createClient<paths>({ baseUrl: endpoint });

const file = new Blob([readFileSync(photo)]);
const { data: grant, error } = await client.POST('/api/v1/uploads', { body: { contentType: 'image/jpeg', bytes: file.size, preset: 'photo' } });
if (!grant?.upload) throw new Error(`no grant: ${error?.detail}`);
const { method, url, headers } = grant.upload;
const put = await fetch(url, { method, headers, body: file });
if (!put.ok) throw new Error(`the storage refuses the file: ${put.status}`);

const params = { path: { id: grant.id }, header: { 'Upload-Secret': grant.secret, Prefer: 'wait=20' } };
let status: string | undefined;
let sizes = 0;
while (status !== 'ready') {
  const { data: upload, error: refused, response } = await client.GET('/api/v1/uploads/{id}', { params });
  if (!upload || upload.status === 'rejected' || upload.status === 'failed') throw new Error(`${refused?.detail ?? upload?.rejection?.detail}`);
  status = upload.status;
  sizes = upload.sizes?.length ?? 0;
  const busy = Number(response.headers.get('Retry-After') ?? 0); // seconds, from a service that does not wait
  await new Promise((resolve) => setTimeout(resolve, busy * 1000));
}
const { response } = await client.DELETE('/api/v1/uploads/{id}', { params: { path: params.path, header: { 'Upload-Secret': grant.secret } } });
if (response.status !== 202) throw new Error(`not deleted: ${response.status}`);
console.log(`${sizes} sizes, deleted`);
