// Uploads with the code of api/MOBILE.md for Expo. The modules of Expo that it runs with are those of
// modules.ts; their types are the real ones.

import { refuse } from './modules.js';
import { newSecret, send, uploadId } from './presize.js';

const [endpoint, photo] = process.argv.slice(2) as [string, string];
const secret = newSecret();
const id = await uploadId(secret);
refuse.push(403); // the grant has expired
for (let repeats = 0; repeats < 2; repeats++) await send(endpoint, secret, photo, 'image/jpeg', 'avatar');
const look = async () => {
  const answer = await fetch(`${endpoint}/api/v1/uploads/${id}`, { headers: { 'Upload-Secret': secret, Prefer: 'wait=20' } });
  const busy = Number(answer.headers.get('Retry-After') ?? 0); // seconds
  await new Promise((resolve) => setTimeout(resolve, busy * 1000));
  return answer.json();
};
let upload = await look();
while (upload.status === 'processing') upload = await look();
if (upload.id !== id || upload.status !== 'ready') throw new Error(JSON.stringify(upload));
console.log('expired grant renewed, ready under the id known before');
