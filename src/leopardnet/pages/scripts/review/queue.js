// A list of clips as the server orders it, loaded in windows, with the filters.

import { getJson } from "./api.js";

const WINDOW = 100;

export class Queue {
  constructor(id, filters) {
    this.id = id;
    this.filters = filters;
    this.windows = new Map(); // number of the window → promise of its clips
    this.clips = []; // sparse: what is loaded, by position
    this.positions = new Map(); // clip_id → position
    this.nTotal = this.nDone = this.place = 0;
  }

  // Loads the first window and that of the place where the person stopped.
  async open() {
    await this.loadWindow(0);
    await this.loadWindow(Math.floor(Math.min(this.place, Math.max(0, this.nTotal - 1)) / WINDOW));
    return this;
  }

  loadWindow(n) {
    if (!this.windows.has(n)) {
      const loading = this.fetchWindow(n);
      this.windows.set(n, loading);
      loading.catch(() => this.windows.delete(n)); // asked again next time
    }
    return this.windows.get(n);
  }

  async fetchWindow(n) {
    const params = { ...this.filters, offset: n * WINDOW, limit: WINDOW };
    const answer = await getJson(`/api/queue/${encodeURIComponent(this.id)}`, params);
    if (n === 0) this.place = answer.place || 0;
    this.nTotal = answer.n_total;
    this.nDone = answer.n_done;
    answer.clips.forEach((clip, i) => {
      this.clips[n * WINDOW + i] = clip;
      this.positions.set(clip.clip_id, n * WINDOW + i);
    });
  }

  // The clip at a position, loaded if need be; undefined outside the list.
  async at(position) {
    if (position < 0 || position >= this.nTotal) return undefined;
    await this.loadWindow(Math.floor(position / WINDOW));
    return this.clips[position];
  }

  find(clipId) {
    return this.positions.get(clipId) ?? -1;
  }

  // The first position from `start` on, then from the beginning, of a clip that this person has not labelled; -1
  // where all have a label.
  async nextOpen(start) {
    return (await this.openBetween(start, this.nTotal)) ?? (await this.openBetween(0, start)) ?? -1;
  }

  async openBetween(start, end) {
    for (let position = Math.max(0, start); position < Math.min(end, this.nTotal); position++) {
      const clip = await this.at(position);
      if (clip && !clip.labels.length) return position;
    }
    return null;
  }

  // The loaded clips from `start` on that have no label, at most n: the ones to load ahead.
  upcoming(start, n) {
    const found = [];
    for (let position = start; position < this.clips.length && found.length < n; position++) {
      const clip = this.clips[position];
      if (clip && !clip.labels.length) found.push(clip.clip_id);
    }
    return found;
  }

  // Notes what this person said about a clip, without asking the server.
  note(clipId, values) {
    const clip = this.clips[this.find(clipId)];
    if (clip) Object.assign(clip, values);
  }
}
