// The large picture: a flip-book of the frames that were looked at, or the seconds of the video that carry the answer.

import { drawChart } from "../../shared/chart.js";
import { byId, element, formatMoment } from "../../shared/elements.js";
import { drawBox } from "../../shared/picture.js";
import { t } from "../../shared/language.js";
import { EvidenceVideo } from "./video.js";

const FRAME_MS = { usual: 450, slow: 1500 };
const CHART_HEIGHT_PX = { usual: 150, low: 110 };
const LOW_PAGE_PX = 760;

export class Stage {
  constructor(labels) {
    this.labels = labels;
    this.clip = null;
    this.frame = 0;
    this.isSlow = false;
    this.timer = 0;
    this.showsPeople = false;
    this.chosenSecond = null; // of the frame that the person stopped at
    this.drawn = []; // boxes that this person drew on the clip
    this.overlay = () => []; // what else stands on the shown frame
    this.video = new EvidenceVideo(byId("video"), () => this.drawMedia());
    addEventListener("resize", () => this.drawChart());
  }

  // Shows a clip as `Clips` loads it. drawn: boxes that this person drew on it.
  show(clip, drawn) {
    this.video.close();
    this.clip = clip;
    this.drawn = drawn;
    this.chosenSecond = null;
    this.drawFrames();
    this.drawChart();
    this.showFrame(clip.first);
    this.drawMedia();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.flip(!calm && clip.images.length > 1);
  }

  // Shows the same clip anew, at the frame where the person is.
  showAgain(clip, drawn) {
    const { frame, isFlipping, chosenSecond } = this;
    this.show(clip, drawn);
    this.showFrame(frame);
    this.flip(isFlipping);
    this.chosenSecond = chosenSecond;
  }

  // Turns the pages by itself, or stops.
  flip(isOn) {
    clearTimeout(this.timer);
    this.isFlipping = isOn;
    if (!isOn) return;
    this.timer = setTimeout(() => {
      this.showFrame(this.frame + 1);
      this.flip(true);
    }, FRAME_MS[this.isSlow ? "slow" : "usual"]);
  }

  // Stops at the next frame.
  step() {
    this.stopAt(this.frame + 1);
  }

  stopAt(number) {
    this.video.close();
    this.drawMedia();
    this.flip(false);
    this.showFrame(number);
    this.chosenSecond = this.clip.detail.frames[this.frame]?.time_s ?? null;
  }

  play() {
    const { detail } = this.clip;
    if (this.isCovered) return;
    if (detail.video) this.video.toggle(detail, this.isSlow);
    else this.flip(!this.isFlipping);
  }

  // Plays the video with its sound, from a moment before a sound that was found.
  playSound(sound) {
    const { detail } = this.clip;
    if (detail.video && !this.isCovered) this.video.playSound(detail.video, sound);
  }

  // Whether the pictures are blurred, because they show a person.
  get isCovered() {
    return Boolean(this.clip.detail.has_person) && !this.showsPeople;
  }

  showPeople() {
    this.showsPeople = !this.showsPeople;
    this.video.close();
    this.drawMedia();
  }

  setSlow(isSlow) {
    this.isSlow = isSlow;
    this.video.setSlow(isSlow);
    if (this.isFlipping) this.flip(true);
  }

  showFrame(number) {
    const { detail, images } = this.clip;
    if (!images.length) {
      byId("shot").replaceChildren();
      byId("moment").textContent = "";
      return;
    }
    this.frame = number % images.length;
    const [image, frame] = [images[this.frame], detail.frames[this.frame]];
    const boxes = [...(frame.boxes || [])].sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
    const found = boxes.map(({ xyxy, score }, n) => drawBox([...xyxy, score ?? null], n));
    byId("shot").replaceChildren(image, ...found, ...this.overlay());
    this.fit(image);
    byId("moment").textContent = detail.kind === "still" ? "" : formatMoment(detail.kind, frame.time_s);
    byId("frames").querySelectorAll("button").forEach((button, n) => {
      button.setAttribute("aria-current", String(n === this.frame));
    });
    if (this.placeOf) byId("cursor").style.left = `${100 * this.placeOf(frame.time_s)}%`;
  }

  // Gives the picture its own shape, once it is known.
  fit(image) {
    if (image.naturalWidth) {
      byId("shot").style.setProperty("--aspect", image.naturalWidth / image.naturalHeight);
    } else {
      image.onload = () => images(this.clip).includes(image) && this.fit(image);
      image.onerror = () => images(this.clip).includes(image) && this.say(t("This frame cannot be shown."));
    }
  }

  drawFrames() {
    const { detail } = this.clip;
    const best = new Set((detail.seconds || []).map((time) => nearest(detail.frames, time)));
    const buttons = detail.frames.length < 2 ? [] : detail.frames.map((frame, n) => element("button", {
      type: "button",
      class: best.has(n) ? "best" : null,
      "aria-label": formatMoment(detail.kind, frame.time_s) + (best.has(n) ? ", " + t("carries the answer") : ""),
      title: formatMoment(detail.kind, frame.time_s),
      onclick: () => this.stopAt(n),
    }));
    byId("frames").replaceChildren(...buttons);
  }

  drawChart() {
    if (!this.clip) return;
    const { detail } = this.clip;
    const frames = detail.frames.filter((frame) => frame.probs);
    byId("chart-box").hidden = frames.length < 2;
    this.placeOf = null;
    if (frames.length < 2) return;
    const values = this.labels.map(({ name }) => frames.map(({ probs }) => Math.round(1000 * (probs[name] || 0))));
    const found = frames.some(({ boxes }) => boxes?.length);
    const detector = frames.map(({ boxes }) => Math.round(1000 * Math.max(0, ...(boxes || []).map((b) => b.score || 0))));
    this.placeOf = drawChart(byId("chart"), {
      kind: detail.kind,
      times: frames.map((frame) => frame.time_s),
      labels: this.labels,
      values,
      detector: found ? detector : null,
      marks: detail.seconds || [],
    }, CHART_HEIGHT_PX[innerHeight < LOW_PAGE_PX ? "low" : "usual"]);
    const frame = detail.frames[this.frame];
    if (frame) byId("cursor").style.left = `${100 * this.placeOf(frame.time_s)}%`;
  }

  // Shows the video while it plays and the flip-book otherwise, and what there is to say.
  drawMedia() {
    const { detail, images: pictures } = this.clip;
    byId("video").hidden = !this.video.isOpen;
    byId("shot").hidden = byId("moment").hidden = this.video.isOpen;
    if (this.video.isOpen) this.flip(false);
    byId("shot").classList.toggle("covered", this.isCovered);
    this.say(this.video.words || this.missing(detail, pictures));
  }

  // Why there is no picture, or no clear one.
  missing(detail, pictures) {
    if (detail.has_person && !pictures.length) {
      return t("A person or a vehicle. Their pictures are shown only where the review was started with --people.");
    }
    if (this.isCovered) return t("A person or a vehicle. Press P to show it.");
    if (pictures.length) return "";
    return detail.reason || t("There is no picture of this clip.");
  }

  say(text) {
    byId("stage-note").textContent = text;
    byId("stage-note").hidden = !text;
  }
}

function images(clip) {
  return clip ? clip.images : [];
}

function nearest(frames, time) {
  const distances = frames.map((frame) => Math.abs(frame.time_s - time));
  return distances.indexOf(Math.min(...distances));
}
