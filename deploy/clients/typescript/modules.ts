// What the phone's system does for Expo's modules, on Node.js.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Statuses with which the storage answers the next transfers, without having got them. */
export const refuse: number[] = [];

export const CryptoDigestAlgorithm = { SHA256: 'SHA-256' };
export const getRandomBytes = (count: number) => new Uint8Array(randomBytes(count));
export const digest = async (_: string, bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest()).buffer;

export const Paths = { document: mkdtempSync(join(tmpdir(), 'documents-')) };

export class File {
  private path: string;

  constructor(...parts: string[]) {
    this.path = join(...parts);
  }

  get exists() {
    return existsSync(this.path);
  }

  get size() {
    return statSync(this.path).size;
  }

  async upload(url: string, { httpMethod, headers }: { httpMethod: string; headers: Record<string, string> }) {
    const refused = refuse.pop();
    if (refused) return { status: refused };
    const { status } = await fetch(url, { method: httpMethod, headers, body: readFileSync(this.path) });
    return { status };
  }
}
