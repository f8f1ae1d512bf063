import http from 'node:http';

/**
 * As much of XMLHttpRequest as transport.js uses, for Node.js, which has none: a
 * real request over HTTP, with the events of a browser in a browser's order. CORS
 * and the timeout are the browser's and not imitated.
 */
export class XMLHttpRequest {
  upload = { onprogress() {} };
  status = 0;
  responseText = '';
  timeout = 0;
  #headers = {};
  #target;
  #request;
  #response;
  #ended = false;

  open(method, url) {
    this.#target = { method, url };
  }

  setRequestHeader(name, value) {
    this.#headers[name] = value;
  }

  getAllResponseHeaders() {
    return Object.entries(this.#response.headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  }

  async send(blob) {
    const { method, url } = this.#target;
    const body = Buffer.from(await blob.arrayBuffer());
    if (this.#ended) return;
    this.#request = http.request(url, { method, headers: { ...this.#headers, 'Content-Length': body.length } });
    this.#request.on('error', () => this.#end('onerror'));
    this.#request.on('response', (response) => {
      this.#response = response;
      this.status = response.statusCode;
      response.on('data', (chunk) => { this.responseText += chunk; }).on('end', () => this.#end('onload')).on('error', () => this.#end('onerror'));
    });
    const half = body.length >> 1;
    this.#request.write(body.subarray(0, half), () => this.upload.onprogress({ loaded: half }));
    this.#request.end(body.subarray(half), () => this.upload.onprogress({ loaded: body.length }));
  }

  abort() {
    if (this.#ended) return;
    this.#end('onabort');
    this.#request?.destroy();
  }

  /** Fires the one event that ends a request; what the connection does afterwards is no event. */
  #end(event) {
    if (this.#ended) return;
    this.#ended = true;
    this[event]();
  }
}
