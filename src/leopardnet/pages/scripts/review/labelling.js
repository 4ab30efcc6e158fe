// What people say: labels, notes and stars go to the server, and the next clip shows when they are on its disk.

import { t } from "../shared/language.js";
import { ApiError } from "./api.js";
import { Outbox } from "./outbox.js";
import { decisionLabels, namesOf } from "./views/clip_panel.js";
import { showTrouble, tell } from "./views/notices.js";

const UNKNOWN = "unknown";

export class Labelling {
  // review: what is shown; it is asked to show the next clip, and to draw.
  constructor(review) {
    this.review = review;
    this.session = review.session;
    this.outbox = new Outbox(showTrouble);
    this.chosen = new Set(); // labels that wait for Enter
    this.isSeveral = this.isWholeEvent = this.isBusy = false;
    this.empty = this.session.labels.find((label) => label.is_empty)?.name;
  }

  // What was chosen for one clip does not hold for the next.
  beginClip() {
    this.chosen.clear();
    this.isWholeEvent = false;
  }

  // What this person last said about the shown clip: its note, its star and its boxes.
  get said() {
    const { detail } = this.review.clip;
    const mine = (detail.history || []).filter((entry) => entry.by === this.session.by && !entry.is_undone)
      .sort((a, b) => b.entry_id - a.entry_id);
    const boxes = mine.find((entry) => entry.boxes)?.boxes || [];
    return { note: mine.find((entry) => entry.note)?.note || "", starred: Boolean(detail.starred), boxes };
  }

  // Sends labels; true when they are on disk. Nothing else can be said until then. done: what is told in the end, if
  // it is not the labels that count.
  async save(clipIds, labels, more = {}, done = null) {
    if (this.session.read_only) {
      tell(t("This review is only for reading: nothing can be labelled."));
      return false;
    }
    if (this.isBusy || !this.outbox.isEmpty) {
      tell(t("Wait: the last label is not saved yet."));
      return false;
    }
    if (this.review.isMoving) {
      tell(t("Wait: the next clip is not there yet."));
      return false;
    }
    const { queue } = this.review;
    const answer = await this.send("/api/label", { clip_ids: clipIds, labels, queue: queue.id, ...more });
    if (!answer) return false;
    const ids = answer.entries.map((entry) => entry.clip_id); // a hunt leaves clips of the audit out of bulk labels
    for (const clipId of ids) this.review.clips.forget(clipId);
    this.learn(answer.labels);
    const othersWork = queue.noteLabels(ids, answer.labels, answer.n_done);
    if (othersWork) queue.refresh(this.review.at + 1).catch(() => {});
    const label = namesOf(answer.labels); // the server may know what was typed by another name
    const saved = clipIds.length > 1 ? t("Saved for {n} clips: {label}", { n: ids.length, label }) : t("Saved: {label}", { label });
    const nLeft = clipIds.length - ids.length;
    const left = nLeft ? " " + t("Left for a look of their own, as part of the random audit: {n}", { n: nLeft }) : "";
    tell((done || saved) + left);
    this.review.afterSaving(answer.labels.length ? ids.length : 0, answer.done);
    return true;
  }

  // The answer to a press; null where it was dropped, or where the server refused it with a status in `final`.
  async send(path, body, final = []) {
    this.isBusy = true;
    try {
      return await this.outbox.send(path, body, final);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (final.includes(error.status)) tell(error.text);
      return null;
    } finally {
      this.isBusy = false;
    }
  }

  // Saves labels of the shown clip, or of its whole event, and moves on.
  async say(labels) {
    const { detail } = this.review.clip;
    const isEvent = this.isWholeEvent && detail.event.length > 1;
    const second = this.review.stage.chosenSecond;
    const showsIt = second !== null && !labels.some((name) => name === this.empty || name === UNKNOWN);
    const more = !isEvent && showsIt ? { seconds: [second] } : {}; // note, star and boxes stay as they are
    const from = this.review.at;
    if (!(await this.save(isEvent ? detail.event : [detail.clip_id], labels, more))) return;
    this.isSeveral = false; // the next clip begins with one key again
    await this.review.showNextOpen(from);
  }

  // What the key of a label does: says it, or chooses it where several are wanted.
  press(name) {
    if (!name) return tell(t("There is no such label."));
    if (this.review.grid.isOn) return this.review.grid.label([name]);
    if (!this.review.clip) return undefined;
    return this.isSeveral || this.chosen.size ? this.toggle(name) : this.say([name]);
  }

  // Puts labels that were saved and are not in the list there, each with a digit.
  learn(names) {
    for (const name of names) {
      if (name === UNKNOWN || this.session.labels.some((label) => label.name === name)) continue;
      this.session.labels.push({ name, colour: "var(--animal)", key: null, is_target: false, is_empty: false });
      this.review.keys.addLabel(name);
    }
  }

  // Gives a label that was typed.
  addLabel(text) {
    const name = text.normalize("NFC").toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, " ").trim().replaceAll(" ", "_");
    if (!name) return tell(t("A label is made of letters and digits."));
    const isOffered = this.session.labels.some((label) => label.name === name);
    if (!isOffered && this.session.reserved.includes(name)) return tell(t("This word cannot be a label: leopardnet itself uses it."));
    return this.press(name);
  }

  pressEmpty() {
    return this.press(this.empty);
  }

  pressUnknown() {
    return this.press(UNKNOWN);
  }

  // Chooses a label, or not. A clip that shows something is not empty.
  toggle(name) {
    const isChosen = this.chosen.has(name);
    if ([this.empty, UNKNOWN].includes(name)) this.chosen.clear();
    else [this.empty, UNKNOWN].forEach((other) => this.chosen.delete(other));
    this.chosen[isChosen ? "delete" : "add"](name);
    this.review.draw();
  }

  switchSeveral() {
    this.isSeveral = !this.isSeveral;
    this.review.draw();
  }

  accept() {
    const { detail } = this.review.clip;
    const names = detail.is_blind ? [] : decisionLabels(this.session.labels, detail.decision);
    if (this.chosen.size) return this.say([...this.chosen]);
    if (names.length) return this.say(names);
    return tell(detail.is_blind
      ? t("The model's answer is hidden here: press the key of a label.")
      : t("There is no answer to accept: press the key of a label."));
  }

  chooseEvent() {
    const { detail } = this.review.clip;
    if (detail.is_blind) return tell(t("In the audit each clip is looked at on its own."));
    if (!(detail.event?.length > 1)) return tell(t("There is nothing else in this event."));
    this.isWholeEvent = !this.isWholeEvent;
    return this.review.draw();
  }

  // Gives all clips of the event, or all that are chosen in the grid, what most of them are.
  async majority() {
    const { clip, clips, grid, queue } = this.review;
    if (queue.id === "audit") return tell(t("In the audit each clip is looked at on its own."));
    const ids = grid.isOn ? grid.targets : clip?.detail.event || [];
    if (ids.length < 2) return tell(t("There is nothing else in this event."));
    let found;
    try {
      found = await Promise.all(ids.map((clipId) => clips.get(clipId, queue.id)));
    } catch (error) {
      return this.review.fail(error);
    }
    const winner = mostFrequent(found.map(({ detail }) =>
      detail.labels.length ? detail.labels : decisionLabels(this.session.labels, detail.decision)));
    if (!winner) return tell(t("No answer has a majority here: press the key of a label."));
    if (grid.isOn) return grid.label(winner);
    const from = this.review.at;
    return (await this.save(ids, winner)) ? this.review.showNextOpen(from) : undefined;
  }

  // Takes the newest label back, and shows its clip again.
  async undo() {
    if (this.session.read_only) return;
    const answer = await this.send("/api/undo", {}, [409]);
    if (!answer) return;
    for (const clipId of answer.undone) this.review.clips.forget(clipId);
    await this.review.returnTo(answer.queue, answer.undone[0]);
    const n = answer.undone.length;
    tell(n > 1 ? t("Taken back for {n} clips.", { n }) : t("Taken back."));
  }

  star() {
    const starred = !this.said.starred;
    return this.changeSaid({ starred }, starred ? t("Star saved.") : t("Star taken away."));
  }

  // Saves the text of the field, if it changed. Empty fields cannot take a note back: undo does that.
  async saveNote(text) {
    if (this.review.clip && text && text !== this.said.note) await this.changeSaid({ note: text }, t("Note saved."));
  }

  // Saves one more box. It shows the label that was chosen last, or else that of the clip.
  addBox(box) {
    const label = [...this.chosen].filter((name) => name !== this.empty && name !== UNKNOWN).at(-1);
    const isOpen = !label && this.review.clip.detail.labels.length > 1;
    return this.changeSaid({ boxes: [...this.said.boxes, label ? { ...box, label } : box] }, isOpen
      ? t("Box saved, without a label: this clip has several. Choose one before you draw.")
      : t("Box saved."));
  }

  // Takes the newest box of the shown clip away.
  removeBox() {
    const boxes = [...this.said.boxes];
    if (!boxes.pop()) return tell(t("There is no box of yours on this clip."));
    return this.changeSaid({ boxes }, t("Box taken away."));
  }

  async changeSaid(values, done) {
    const { detail } = this.review.clip;
    const isSaved = await this.save([detail.clip_id], detail.labels, values, done);
    if (isSaved) await this.review.showAgain();
    return isSaved;
  }
}

// The labels that most of these have, null where no two agree or two are as frequent.
function mostFrequent(all) {
  const counts = new Map();
  for (const labels of all) {
    const key = JSON.stringify([...labels].sort());
    if (labels.length) counts.set(key, (counts.get(key) || 0) + 1);
  }
  const [first, second] = [...counts].sort((a, b) => b[1] - a[1]);
  return first && first[1] > 1 && first[1] !== second?.[1] ? JSON.parse(first[0]) : null;
}
