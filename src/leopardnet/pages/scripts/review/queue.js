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

  // Whether somebody still has to look at a clip. An audit and a second opinion want one's own look.
  isOpen(clip) {
    if (this.id === "sounds") return clip.n_open_sounds > 0;
    const isOwn = this.id === "audit" || this.id === "second_opinion";
    return !clip.labels.length && (isOwn || !clip.by_others);
  }

  // The first position from `start` on, then from the beginning, of a clip that nobody has labelled; -1 where all
  // have a label.
  async nextOpen(start) {
    return (await this.openBetween(start, this.nTotal)) ?? (await this.openBetween(0, start)) ?? -1;
  }

  async openBetween(start, end) {
    for (let position = Math.max(0, start); position < Math.min(end, this.nTotal); position++) {
      const clip = await this.at(position);
      if (clip && this.isOpen(clip)) return position;
    }
    return null;
  }

  // The loaded clips from `start` on that have no label, at most n: the ones to load ahead.
  upcoming(start, n) {
    const found = [];
    for (let position = start; position < this.clips.length && found.length < n; position++) {
      const clip = this.clips[position];
      if (clip && this.isOpen(clip)) found.push(clip.clip_id);
    }
    return found;
  }

  // Notes what this person said about clips. nDone: of the whole list, as the server counts it.
  noteLabels(clipIds, labels, nDone) {
    const clips = clipIds.map((clipId) => this.clips[this.find(clipId)]).filter(Boolean);
    const nNew = labels.length && this.id !== "sounds" ? clips.filter((clip) => this.isOpen(clip)).length : 0;
    if (labels.length) for (const clip of clips) clip.labels = labels;
    const isFiltered = Object.keys(this.filters).length > 0;
    const nOthers = isFiltered ? 0 : nDone - this.nDone - nNew;
    this.nDone = isFiltered ? this.nDone + nNew : nDone;
    return nOthers > 0; // others are at work on this list, too
  }

  // Notes that a sound of a clip was named. nOpen: how many of the clip nobody named yet.
  noteSounds(clipId, nOpen) {
    const clip = this.clips[this.find(clipId)];
    if (!clip) return;
    if (this.id === "sounds" && clip.n_open_sounds && !nOpen) this.nDone += 1;
    clip.n_open_sounds = nOpen;
  }

  // Asks for the window of a position again.
  refresh(position) {
    const n = Math.floor(Math.max(0, position) / WINDOW);
    this.windows.delete(n);
    return this.loadWindow(n);
  }
}
