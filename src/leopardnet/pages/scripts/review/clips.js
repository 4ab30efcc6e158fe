// Clips with their frames, kept ready so that the next one shows at once.

import { getJson } from "./api.js";

const MAX_KEPT = 24;
const WIDTHS_PX = [480, 720, 960, 1280, 1920];

export class Clips {
  constructor() {
    this.kept = new Map(); // clip_id and queue → promise of {detail, images}
    this.isEnhanced = false;
  }

  // The clip with its frames, which may still be loading.
  get(clipId, queue) {
    const key = `${queue}/${clipId}/${this.isEnhanced}`;
    const found = this.kept.get(key) || this.load(clipId, queue);
    this.kept.delete(key);
    this.kept.set(key, found); // the newest is the last
    found.catch(() => this.kept.delete(key));
    if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value);
    return found;
  }

  // Forgets what people said about a clip, after it changed.
  forget(clipId) {
    for (const key of this.kept.keys()) if (key.includes(`/${clipId}/`)) this.kept.delete(key);
  }

  async load(clipId, queue) {
    const isEnhanced = this.isEnhanced;
    const detail = await getJson(`/api/clip/${encodeURIComponent(clipId)}`, { queue });
    const first = strongestFrame(detail);
    const images = [];
    // The strongest frame is asked for first, because it is shown first.
    for (const n of [first, ...detail.frames.keys()]) {
      if (detail.frames[n]) images[n] ||= loadImage(detail.frames[n].url, isEnhanced);
    }
    return { detail, images, first };
  }
}

// The number of the frame nearest to the second that carries the answer.
function strongestFrame({ frames, seconds }) {
  if (!frames.length) return 0;
  const best = seconds?.[0] ?? frames[0].time_s;
  const distances = frames.map((frame) => Math.abs(frame.time_s - best));
  return distances.indexOf(Math.min(...distances));
}

function loadImage(address, isEnhanced) {
  const url = new URL(address, location.href);
  const wanted = Math.min(innerWidth, 1280) * devicePixelRatio;
  url.searchParams.set("width", WIDTHS_PX.find((width) => width >= wanted) || WIDTHS_PX.at(-1));
  if (isEnhanced) url.searchParams.set("enhanced", "1");
  const image = new Image();
  image.alt = "";
  image.draggable = false; // a drag draws a box
  image.decoding = "sync"; // it was decoded ahead, so that it never flashes
  image.src = url;
  image.decode().catch(() => {}); // a frame that fails is said where it would stand
  return image;
}
