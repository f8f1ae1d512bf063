// Uploads with the code of api/MOBILE.md for Expo. The modules of Expo that it runs with are those of
// modules.ts; their types are the real ones.

import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Paths, refuse } from './modules.js';
import { Refused, newSecret, send, uploadId } from './presize.js';

const [endpoint, photo] = process.argv.slice(2) as [string, string];
const folder = join(Paths.document, 'uploads');
mkdirSync(folder);
copyFileSync(photo, join(folder, 'photo.jpg'));
writeFileSync(join(folder, 'other.jpg'), 'of another size');

/** Sends a file, and expects that the code gives up at once. */
const refused = async (secret: string, name: string) => {
  const error = await send(endpoint, secret, name, 'image/jpeg', 'avatar').catch((reason) => reason);
  if (!(error instanceof Refused)) throw new Error(`${name} is not refused: ${error}`);
  if (refuse.length > 0) throw new Error(`${name} was not sent`);
};

const secret = newSecret();
const id = await uploadId(secret);
refuse.push(503, 403); // the grant has expired, then the storage is busy
for (let repeats = 0; repeats < 2; repeats++) await send(endpoint, secret, 'photo.jpg', 'image/jpeg', 'avatar');
await refused(secret, 'other.jpg'); // another file with this secret
await refused(newSecret(), 'gone.jpg');
refuse.push(400);
await refused(newSecret(), 'photo.jpg');
rmSync(Paths.document, { recursive: true });
const look = async () => {
  const answer = await fetch(`${endpoint}/api/v1/uploads/${id}`, { headers: { 'Upload-Secret': secret, Prefer: 'wait=20' } });
  const busy = Number(answer.headers.get('Retry-After') ?? 0); // seconds
  await new Promise((resolve) => setTimeout(resolve, busy * 1000));
  return answer.json();
};
let upload = await look();
while (upload.status === 'processing') upload = await look();
if (upload.id !== id || upload.status !== 'ready') throw new Error(JSON.stringify(upload));
console.log('expired grant renewed, busy storage waited for, given up where it is hopeless, ready under the id known before');
