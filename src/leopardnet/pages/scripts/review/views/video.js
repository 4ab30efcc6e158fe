// The video of a clip, on demand: only the seconds that carry the answer are played, one stretch after the other.

import { ApiError } from "../api.js";
import { t } from "../../shared/language.js";

const BEFORE_S = 1;
const AFTER_S = 1.5;
const BEFORE_SOUND_S = 0.5;
const ASK_AGAIN_MS = 400;
const SLOW = 0.3;

export class EvidenceVideo {
  // onChange(): called when it opens or closes, and when there is something else to say.
  constructor(player, onChange) {
    this.player = player;
    this.onChange = onChange;
    this.address = null;
    this.isOpen = false;
    this.words = "";
    player.addEventListener("timeupdate", () => this.follow());
    player.addEventListener("error", () => this.askForAnother());
  }

  // Plays, pauses, or plays again from the beginning.
  async toggle({ video, seconds, duration_s }, isSlow) {
    if (!this.isOpen) {
      this.stretches = evidenceStretches(seconds || [], duration_s);
      await this.open(video, isSlow);
    } else if (!this.player.paused) {
      this.player.pause();
    } else {
      if (this.isOver) this.start();
      this.player.play().catch(() => {});
    }
  }

  // Plays from a moment before a sound to a moment after it, loud.
  async playSound(address, { start_s, end_s }) {
    this.close();
    this.stretches = [[Math.max(0, start_s - BEFORE_SOUND_S), end_s + AFTER_S]];
    this.player.muted = false;
    await this.open(address, false);
  }

  // Waits until the server has a file that plays, and plays it. The flip-book goes on meanwhile.
  async open(address, isSlow) {
    if (this.address === address) return;
    this.address = address;
    try {
      while (!(await this.isReady(address))) {
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
        if (this.address !== address) return;
      }
    } catch (error) {
      if (this.address === address) this.fail(error.text);
      return;
    }
    if (this.address !== address) return;
    this.words = this.missing;
    this.isOpen = true;
    this.player.src = address;
    this.setSlow(isSlow);
    this.onChange();
    this.player.addEventListener("loadedmetadata", () => this.start(), { once: true });
    this.player.play().catch(() => {});
  }

  async isReady(address) {
    const response = await fetch(address, { headers: { Range: "bytes=0-0" }, credentials: "same-origin" })
      .catch(() => Promise.reject(new ApiError({ what: t("The server does not answer") }, 0)));
    if (response.status === 200 || response.status === 206) {
      response.body?.cancel();
      this.missing = JSON.parse(response.headers.get("x-warnings") || "[]").join("; ");
      return true;
    }
    const answer = await response.json().catch(() => ({}));
    if (this.address !== address) return false;
    if (response.status !== 202) {
      throw new ApiError(answer.what ? answer : { what: t("The video cannot be played") }, response.status);
    }
    const share = Math.round(100 * (answer.share_done || 0));
    this.words = t("The video is being made ready: {n} %", { n: share });
    this.onChange();
    return false;
  }

  // A file that the browser does not play after all is encoded anew, once.
  async askForAnother() {
    if (!this.isOpen) return;
    const refused = `${this.address}?refused=1`;
    if (this.address.includes("?")) {
      this.fail(t("This browser cannot play the video; the frames are still there."));
    } else {
      const isMuted = this.player.muted;
      this.close();
      this.player.muted = isMuted;
      await this.open(refused, this.player.playbackRate === SLOW);
    }
  }

  // Goes to the first stretch.
  start() {
    this.isOver = false;
    this.stretch = 0;
    this.player.currentTime = this.stretches[0][0];
  }

  // Jumps to the next stretch at the end of one, and stops after the last.
  follow() {
    if (!this.isOpen || this.isOver || this.player.currentTime < this.stretches[this.stretch][1]) return;
    this.stretch += 1;
    if (this.stretch < this.stretches.length) {
      this.player.currentTime = Math.max(this.player.currentTime, this.stretches[this.stretch][0]);
    } else {
      this.isOver = true;
      this.player.pause();
    }
  }

  setSlow(isSlow) {
    this.player.playbackRate = isSlow ? SLOW : 1;
  }

  fail(words) {
    this.close();
    this.words = words;
    this.onChange();
  }

  close() {
    this.address = null;
    this.words = "";
    this.player.muted = true;
    if (!this.isOpen) return;
    this.isOpen = false;
    this.player.pause();
    this.player.removeAttribute("src");
    this.player.load();
  }
}

// The stretches [start, end] around the seconds, in order, joined where they touch; the whole clip without any.
export function evidenceStretches(seconds, duration) {
  const end = duration || Infinity;
  const stretches = [];
  for (const time of [...seconds].sort((a, b) => a - b)) {
    const [from, to] = [Math.max(0, time - BEFORE_S), Math.min(end, time + AFTER_S)];
    const last = stretches.at(-1);
    if (last && from <= last[1]) last[1] = to;
    else stretches.push([from, to]);
  }
  return stretches.length ? stretches : [[0, end]];
}
