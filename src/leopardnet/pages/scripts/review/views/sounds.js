// The sounds that a search found on the track of a clip: a picture of each, to play from there, and what people say.

import { byId, element, formatSeconds } from "../../shared/elements.js";
import { formatNumber, formatProbability, t } from "../../shared/language.js";
import { tell } from "./notices.js";

// What a press says of a sound, by the action of its key.
export const SOUND_LABELS = {
  alarm_call: ["alarm call", t("alarm call")],
  call: ["call", t("another call")],
  bird: ["bird", t("bird")],
  voice: ["person", t("a person")],
  other_sound: ["other", t("something else")],
  unknown_sound: ["unknown", t("cannot be told")],
};

const TITLES = Object.fromEntries(Object.values(SOUND_LABELS));

export class Sounds {
  // review: what is shown; it is asked to play, to save and to show the next clip.
  constructor(review) {
    this.review = review;
    this.all = [];
    this.at = 0;
  }

  // Draws the sounds of a clip, the first one that nobody named chosen.
  show({ sounds = [] }) {
    this.all = sounds;
    this.at = Math.max(0, sounds.findIndex((sound) => !this.isNamed(sound)));
    this.draw();
  }

  get current() {
    return this.all[this.at];
  }

  isNamed(sound) {
    return Boolean(sound.label || sound.agreed) || sound.kind === "voice";
  }

  draw() {
    byId("sounds").hidden = !this.all.length;
    if (!this.all.length) return;
    byId("heard").replaceChildren(...this.all.map((sound, n) => element("button", {
      type: "button",
      class: "quiet",
      "aria-current": n === this.at ? "true" : null,
      onclick: () => this.choose(n),
    }, describe(sound))));
    this.drawPicture();
    for (const [action, [name]] of Object.entries(SOUND_LABELS)) {
      const isGiven = this.current.label === name;
      document.querySelector(`[data-action="${action}"]`).setAttribute("aria-pressed", String(isGiven));
    }
  }

  drawPicture() {
    const { url, window_s: [from, to], kind } = this.current;
    const place = (time) => `${100 * Math.min(1, Math.max(0, (time - from) / (to - from)))}%`;
    const marks = this.all.filter((sound) => sound.end_s > from && sound.start_s < to).map((sound) => element("i", {
      class: sound === this.current ? "heard-mark current" : "heard-mark",
      style: `left:${place(sound.start_s)};right:calc(100% - ${place(sound.end_s)})`,
    }));
    const image = url && element("img", { src: url, alt: t("The sound as a picture: time to the right, pitch upwards"),
      onerror: () => byId("spectrogram").replaceChildren(t("The sound cannot be shown.")) });
    const missing = kind === "voice" ? t("A human voice: it is kept private.") : t("There is no picture of this sound.");
    byId("spectrogram").replaceChildren(...(url ? [image, ...marks] : [missing]));
    byId("heard-from").textContent = formatSeconds(from);
    byId("heard-to").textContent = formatSeconds(to);
  }

  choose(n) {
    this.at = (n + this.all.length) % this.all.length;
    this.draw();
  }

  next() {
    if (this.all.length) this.choose(this.at + 1);
  }

  listen() {
    if (this.current) this.review.stage.playSound(this.current);
  }

  // Says what the chosen sound is, and goes to the next one that nobody named.
  async say(action) {
    const { labelling, queue, clips, clip, at } = this.review;
    const sound = this.current;
    if (!sound) return tell(t("There is no sound to name in this clip."));
    if (this.review.session.read_only) return tell(t("This review is only for reading: nothing can be labelled."));
    if (labelling.isBusy || !labelling.outbox.isEmpty) return tell(t("Wait: the last label is not saved yet."));
    const [label, title] = SOUND_LABELS[action];
    const { clip_id } = clip.detail;
    const span = { start_s: sound.start_s, end_s: sound.end_s };
    const answer = await labelling.send("/api/sound_label", { clip_id, ...span, label, queue: queue.id }, [400, 404]);
    if (!answer) return undefined;
    clips.forget(clip_id);
    sound.label = label;
    queue.noteSounds(clip_id, answer.n_open);
    this.review.lists.showProgress(queue);
    tell(t("Saved: {label}", { label: title }));
    if (label === "person") return this.review.showAgain(); // the clip is private from now on
    const left = this.all.findIndex((other) => !this.isNamed(other));
    if (left >= 0) return this.choose(left);
    return queue.id === "sounds" ? this.review.showNextOpen(at) : this.draw();
  }
}

function describe({ kind, start_s, peak_hz, score, p_alarm_call, label, agreed }) {
  const what = { tonal_call: t("tonal call"), voice: t("voice") }[kind] || kind.replace("network:", "");
  const pitch = peak_hz ? t("{n} kHz", { n: formatNumber(peak_hz / 1000, 1) }) : "";
  const said = label || agreed;
  const share = p_alarm_call ?? score;
  return [formatSeconds(start_s), what, pitch, formatProbability(share), said && `→ ${TITLES[said] || said}`]
    .filter(Boolean).join(" · ");
}
