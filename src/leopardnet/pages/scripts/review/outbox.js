// What was pressed and is not yet confirmed. It is sent in order, again and again under the same key, and outlives a
// reload of the page; the server adds nothing twice.

import { postJson } from "./api.js";

const STORE = "leopardnet-pressed";
const REFUSED = new Set([400, 404, 405, 409, 413, 415, 422]); // sending it again would change nothing
const WAIT_MS = { offline: 1000, failed: 3000 };

// A UUID. `crypto.randomUUID` is missing where several people share one server without https.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 0x0f | 0x40;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export class Outbox {
  // onChange(outbox): called when something fails, is saved or is dropped.
  constructor(onChange) {
    this.onChange = onChange;
    this.items = JSON.parse(sessionStorage.getItem(STORE) || "[]").map((item) => ({ ...item }));
    this.error = null;
    this.sending = null;
    this.wake = this.onTrouble = () => {};
  }

  get isEmpty() {
    return !this.items.length;
  }

  // Sends a press and returns the answer once the server has it on disk. Throws the ApiError where the person
  // dropped the press, and at once for a status in `final`.
  send(path, body, final = []) {
    return new Promise((resolve, reject) => {
      this.items.push({ path, body: { key: newKey(), ...body }, final, resolve, reject });
      this.keep();
      this.flush();
    });
  }

  // Sends what is left, and resolves when nothing is.
  flush() {
    this.sending ||= this.sendAll().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  // Resolves when nothing is left or something could not be sent.
  settle() {
    return Promise.race([this.flush(), new Promise((resolve) => {
      this.onTrouble = resolve;
    })]);
  }

  retry() {
    this.wake();
  }

  // Gives up the oldest press.
  drop() {
    this.finish((item) => item.reject?.(this.error));
    this.wake();
  }

  async sendAll() {
    while (this.items.length) {
      const item = this.items[0];
      try {
        const answer = await postJson(item.path, item.body);
        this.finish(() => item.resolve?.(answer));
      } catch (error) {
        if (item.final?.includes(error.status)) {
          this.finish(() => item.reject?.(error));
          continue;
        }
        this.error = error;
        this.onChange(this);
        this.onTrouble();
        await this.pause(error);
      }
    }
  }

  pause({ status }) {
    return new Promise((resolve) => {
      this.wake = resolve;
      if (!REFUSED.has(status)) setTimeout(resolve, status ? WAIT_MS.failed : WAIT_MS.offline);
    });
  }

  finish(tell) {
    const item = this.items.shift();
    this.keep();
    tell(item);
    this.error = null;
    this.onChange(this);
  }

  keep() {
    const plain = this.items.map(({ path, body, final }) => ({ path, body, final }));
    sessionStorage.setItem(STORE, JSON.stringify(plain));
  }
}
