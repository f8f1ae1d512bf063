import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';

const ID = 'abcdefghijklmnopqrstuvwxyz';
const MANIFEST = { id: ID, status: 'ready', complete: false, preset: 'photo', variants: [], picture: '<picture></picture>' };

/** Answers with a status; what is an object goes out as a problem or as plain JSON. */
export function answer(status, body = '', headers = {}) {
  const contentType = status >= 400 ? 'application/problem+json' : 'application/json';
  return (request, response) => {
    response.writeHead(status, typeof body === 'string' ? headers : { 'Content-Type': contentType, ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Breaks the connection instead of an answer. */
export function drop(request) {
  request.socket.destroy();
}

/**
 * A small service that keeps to the contract: upload API and storage in one, over real
 * HTTP. It first gives the answers listed in `faults`, in that order, separately for
 * `grant`, `put`, `status` and `delete`. After these it answers normally.
 */
export class Service {
  faults = { grant: [], put: [], status: [], delete: [] };
  /** Every request received: 'grant', 'put', 'status', 'delete' or 'presets'. */
  log = [];
  /** The documents that asked for a grant. */
  asked = [];
  /** Lifetime of a grant in ms; negative for one that has already expired. */
  lifetime = 900_000;
  /** What is stored, and the headers that it came with. */
  original;
  manifest = MANIFEST;

  static async start() {
    const service = new Service();
    service.server = http.createServer((request, response) => service.#serve(request, response));
    service.server.listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    service.origin = `http://127.0.0.1:${service.server.address().port}`;
    service.endpoint = `${service.origin}/api/v1`;
    return service;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async #serve(request, response) {
    const step = { POST: 'grant', PUT: 'put', DELETE: 'delete', GET: request.url.endsWith('/presets') ? 'presets' : 'status' }[request.method];
    this.log.push(step);
    const body = await received(request);
    if (!body) return;
    const handler = this.faults[step]?.shift() ?? this[step];
    handler.call(this, request, response, body);
  }

  presets(request, response) {
    answer(200, { presets: [{ name: 'photo' }] })(request, response);
  }

  grant(request, response, body) {
    const asked = JSON.parse(body);
    this.asked.push(asked);
    this.headers = { 'Content-Type': asked.contentType, 'If-None-Match': '*', 'X-Amz-Meta-Preset': String(asked.preset) };
    const known = { id: ID, secret: asked.secret, statusUrl: `/api/v1/uploads/${ID}` };
    if (this.original) return answer(200, known)(request, response);
    const url = `${this.origin}/originals/${ID}`;
    const expiresAt = new Date(Date.now() + this.lifetime).toISOString();
    answer(201, { ...known, upload: { method: 'PUT', url, headers: this.headers, expiresAt } })(request, response);
  }

  put(request, response, body) {
    const altered = Object.entries(this.headers).some(([name, value]) => request.headers[name.toLowerCase()] !== value);
    const { bytes, sha256 } = this.asked.at(-1);
    const damaged = sha256 && sha256 !== createHash('sha256').update(body).digest('base64');
    if (altered || damaged || body.length !== bytes) return answer(403)(request, response);
    if (this.original) return answer(412)(request, response);
    this.original = body;
    answer(200)(request, response);
  }

  delete(request, response) {
    if (request.headers['upload-secret'] !== this.asked.at(-1)?.secret) return answer(403, { type: 'urn:presize:problem:forbidden', title: 'The upload is not yours' })(request, response);
    if (!this.original) return this.status(request, response);
    this.original = undefined;
    answer(202)(request, response);
  }

  status(request, response) {
    if (!this.original) return answer(404, { type: 'urn:presize:problem:upload-not-found', title: 'There is no such upload' })(request, response);
    answer(200, this.manifest)(request, response);
  }
}

/** Reads a body, or returns nothing where the client went away. */
async function received(request) {
  try {
    return Buffer.concat(await request.toArray());
  } catch {
    return undefined;
  }
}
