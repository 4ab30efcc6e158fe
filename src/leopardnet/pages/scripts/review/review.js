// The review: which list and which clip are shown, and how one moves among them.

import { byId } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { ApiError, postJson } from "./api.js";
import { Clips } from "./clips.js";
import { Controls } from "./controls.js";
import { Keys } from "./keys.js";
import { Labelling } from "./labelling.js";
import { Queue } from "./queue.js";
import { ClipPanel } from "./views/clip_panel.js";
import { Drawing } from "./views/drawing.js";
import { Grid } from "./views/grid.js";
import { Help } from "./views/help.js";
import { Hunt } from "./views/hunt.js";
import { Lists, listTitle } from "./views/lists.js";
import { showNotices, showProblem, tell } from "./views/notices.js";
import { Sounds } from "./views/sounds.js";
import { Stage } from "./views/stage.js";

const N_AHEAD = 3; // clips that are loaded before they are shown
const WINDOW_AHEAD = 20;
const KEEP_PLACE_MS = 400;
const PLACE = "leopardnet-place";
const REFRESH = 5; // after so many labels the lists themselves and the order of a hunt are asked for again

export class Review {
  constructor(session) {
    this.session = session;
    this.keys = new Keys(session.labels, session.keys || {}, session.free_digits);
    this.clips = new Clips();
    this.panel = new ClipPanel(session, this.keys);
    this.stage = new Stage(session.labels);
    this.labelling = new Labelling(this);
    this.drawing = new Drawing(this.stage, (box) => this.labelling.addBox(box));
    this.grid = new Grid(session, this.keys, {
      save: (ids, labels) => this.labelling.save(ids, labels),
      open: (position) => this.closeGrid(position),
    });
    this.sounds = new Sounds(this);
    this.help = new Help(session, this.keys, () => this.draw());
    this.lists = new Lists(session, (id) => this.openQueue(id, this.lists.read()),
      (filters) => this.openQueue(this.queue.id, filters));
    this.hunt = new Hunt(session, () => this.openQueue("hunt", {}));
    this.controls = new Controls(this);
    this.at = -1; // position in the list
    this.ticket = 0; // of the newest wish to show a clip; older ones are forgotten
    this.nMoves = 0; // on their way to another clip
    this.nLabels = 0; // since the lists were asked for
  }

  async start() {
    byId("by").addEventListener("click", () => this.askWho());
    byId("who").addEventListener("close", () => this.setWho(byId("who-name").value.trim()));
    showNotices(this.session.notices || []);
    const { outbox } = this.labelling;
    let isLate = false; // what was left from before was saved while the list was on its way
    for (const item of outbox.items) {
      item.resolve = () => {
        isLate = true;
        if (this.queue) this.openQueue(this.queue.id, this.queue.filters);
      };
    }
    const isResent = !outbox.isEmpty;
    if (isResent) await outbox.settle();
    const place = location.hash.slice(1) || sessionStorage.getItem(PLACE) || "";
    const { queue, clip, ...filters } = Object.fromEntries(new URLSearchParams(place));
    const known = this.session.queues.map(({ id }) => id);
    const open = this.session.queues.find(({ n_total, n_done }) => n_done < n_total);
    this.lists.write(filters);
    this.drawWho();
    await this.openQueue(known.includes(queue) ? queue : open?.id || known[0], this.lists.read(), isResent ? null : clip);
    if (isLate) await this.openQueue(this.queue.id, this.queue.filters);
    await this.hunt.refresh();
    this.lists.awaitAll(() => this.queue).catch(() => {}); // asked again with the next list
    if (!this.session.by && !this.session.read_only) this.askWho();
  }

  // --- lists and places ---

  // Whether another clip is on its way. What is pressed now is meant for that one, and is not taken for this one.
  get isMoving() {
    return this.nMoves > 0;
  }

  async move(run) {
    this.nMoves += 1;
    byId("work").setAttribute("aria-busy", "true");
    try {
      await run();
    } catch (error) {
      this.fail(error);
    } finally {
      this.nMoves -= 1;
      byId("work").setAttribute("aria-busy", String(this.isMoving));
    }
  }

  // Opens a list at a clip, or at the first open one from where the person stopped.
  openQueue(id, filters, clipId = null) {
    this.lists.unfold(false);
    const ticket = ++this.ticket;
    return this.move(async () => {
      const queue = await new Queue(id, this.lists.allowed(id, filters)).open();
      if (ticket !== this.ticket) return;
      this.queue = queue;
      await this.lists.refresh(() => this.queue);
      if (ticket !== this.ticket) return;
      const found = clipId ? queue.find(clipId) : -1;
      const position = found >= 0 ? found : await queue.nextOpen(Math.min(queue.place, Math.max(0, queue.nTotal - 1)));
      if (this.grid.isOn && queue.nTotal) await this.openGrid(position);
      else await this.closeGrid(position);
    });
  }

  // Asks for everything again.
  reload() {
    this.clips.kept.clear();
    return this.openQueue(this.queue.id, this.queue.filters, this.clip?.detail.clip_id);
  }

  // Goes back to a clip, in the list in which something was said about it.
  returnTo(queueId, clipId) {
    const known = this.session.queues.some(({ id }) => id === queueId) ? queueId : this.queue.id;
    const position = this.queue.find(clipId);
    if (known !== this.queue.id || position < 0) return this.openQueue(known, {}, clipId);
    return this.move(async () => {
      await this.queue.refresh(position);
      await this.lists.refresh(() => this.queue);
      if (this.grid.isOn) this.grid.draw();
      else await this.show(position);
    });
  }

  // Shows the clip at a position. Without one, says that the list is done or empty.
  show(position) {
    const ticket = ++this.ticket;
    const { queue } = this;
    return this.move(async () => {
      const summary = await queue.at(position);
      const clip = summary && await this.clips.get(summary.clip_id, queue.id);
      if (!clip) await this.lists.refresh(() => this.queue).catch(() => {}); // to say which lists are still open
      if (ticket !== this.ticket) return;
      if (clip) this.at = position;
      if (clip) this.showClip(clip);
      else this.showNothing();
    });
  }

  showNextOpen(from) {
    return this.move(async () => this.show(await this.queue.nextOpen(from + 1)));
  }

  showClip(clip) {
    this.clip = clip;
    this.labelling.beginClip();
    this.drawing.end();
    byId("nothing").hidden = true;
    byId("clip").hidden = false;
    byId("clip").dataset.clip = clip.detail.clip_id;
    byId("note").value = this.labelling.said.note;
    this.draw();
    this.sounds.show(clip.detail);
    this.stage.show(clip, this.labelling.said.boxes);
    this.loadAhead();
    this.keepPlace();
  }

  loadAhead() {
    const { queue, at } = this;
    for (const clipId of queue.upcoming(at + 1, N_AHEAD)) this.clips.get(clipId, queue.id).catch(() => {});
    queue.at(at + WINDOW_AHEAD).catch(() => {});
  }

  showNothing() {
    const { nTotal, filters } = this.queue;
    const isFiltered = Object.keys(filters).length > 0;
    const text = nTotal
      ? t("Every clip of this list has a label.")
      : isFiltered ? t("No clip matches these filters.") : t("This list is empty.");
    const next = this.session.queues.find(({ id, n_total, n_done }) => id !== this.queue.id && n_done < n_total);
    const advice = next ? " " + t("Still open: {list}.", { list: listTitle(next.id) }) : "";
    this.clip = null;
    this.stage.flip(false);
    byId("clip").hidden = true;
    byId("nothing").hidden = false;
    byId("nothing").textContent = text + advice;
  }

  // Loads the shown clip again, after something about it changed. What was chosen for it stays chosen.
  async showAgain() {
    const before = this.clip;
    try {
      const clip = await this.clips.get(before.detail.clip_id, this.queue.id);
      if (this.clip !== before) return; // another one is shown by now
      this.clip = clip;
      this.draw();
      this.sounds.show(clip.detail);
      this.stage.showAgain(clip, this.labelling.said.boxes);
    } catch (error) {
      this.fail(error);
    }
  }

  // Remembers where this person is: on the server for another day, and in this tab for a reload,
  // or for the new address of a server that was started again.
  keepPlace() {
    const { queue } = this;
    const clipId = this.clip.detail.clip_id;
    const place = new URLSearchParams({ queue: queue.id, ...queue.filters, clip: clipId }).toString();
    history.replaceState(null, "", "#" + place);
    sessionStorage.setItem(PLACE, place);
    clearTimeout(this.placeTimer);
    this.placeTimer = setTimeout(() => {
      if (!this.session.read_only) postJson("/api/place", { queue: queue.id, clip_id: clipId }).catch(() => {});
    }, KEEP_PLACE_MS);
  }

  step(by) {
    return this.show(Math.min(Math.max(this.at + by, 0), this.queue.nTotal - 1));
  }

  // nClips: how many clips got a label. done: of each list, how many have one by now.
  afterSaving(nClips, done) {
    this.lists.noteDone(done);
    this.lists.showProgress(this.queue);
    this.nLabels += nClips;
    if (this.queue.id === "audit") this.hunt.refresh(); // each of these counts for the promise
    if (this.nLabels < REFRESH) return;
    this.nLabels = 0;
    this.lists.refresh(() => this.queue).then(() => this.hunt.showPromise()).catch(() => {}); // asked again after the next labels
    if (this.session.mode === "hunt") this.followHunt();
  }

  // The order of a hunt learns from labels, so it is asked for now and then, while people go on.
  async followHunt() {
    this.hunt.refresh();
    if (this.queue.id !== "hunt") return;
    const fresh = await new Queue("hunt", this.queue.filters).open().catch(() => null);
    if (!fresh || this.queue.id !== "hunt") return;
    this.queue = fresh;
    const position = this.clip ? fresh.find(this.clip.detail.clip_id) : -1;
    this.at = position >= 0 ? position : fresh.nDone - 1; // labelled clips stand first
  }

  // --- what is drawn ---

  draw() {
    const { labelling } = this;
    const pressed = {
      several: labelling.isSeveral, event: labelling.isWholeEvent, slow: this.stage.isSlow, enhance: this.clips.isEnhanced,
      star: Boolean(this.clip?.detail.starred), grid: this.grid.isOn,
    };
    for (const [action, isOn] of Object.entries(pressed)) {
      document.querySelector(`[data-action="${action}"]`).setAttribute("aria-pressed", String(isOn));
    }
    for (const button of document.querySelectorAll("button.quiet[data-action]")) {
      button.setAttribute("aria-keyshortcuts", this.keys.of[button.dataset.action] || "");
      const key = this.keys.text(button.dataset.action);
      if (key) button.dataset.key = key;
    }
    for (const key of document.querySelectorAll(".other kbd")) key.textContent = this.keys.text("other");
    if (this.clip) this.panel.show(this.clip.detail, labelling.chosen);
    byId("say-title").textContent = labelling.isWholeEvent
      ? t("What do you see? The label goes to all clips of this event: {n}", { n: this.clip.detail.event.length })
      : t("What do you see?");
    byId("say-title").classList.toggle("wide-mark", labelling.isWholeEvent);
  }

  switchSlow() {
    this.stage.setSlow(!this.stage.isSlow);
    this.draw();
  }

  drawBox() {
    if (this.session.read_only) return tell(t("This review is only for reading: nothing can be labelled."));
    return this.drawing.begin();
  }

  switchView() {
    this.clips.isEnhanced = !this.clips.isEnhanced;
    return this.showAgain();
  }

  toggleHistory() {
    byId("history").hidden = !byId("history").hidden;
    document.querySelector("[data-action=history]").setAttribute("aria-expanded", String(!byId("history").hidden));
  }

  // --- grid ---

  async toggleGrid() {
    if (this.grid.isOn) await this.closeGrid(this.grid.position);
    else if (this.queue?.nTotal) await this.openGrid(this.at);
  }

  async openGrid(position) {
    this.stage.flip(false);
    byId("clip").hidden = byId("nothing").hidden = true;
    byId("grid").hidden = false;
    try {
      await this.grid.show(this.queue, position);
    } catch (error) {
      this.fail(error);
    }
    this.draw();
  }

  async closeGrid(position) {
    this.grid.hide();
    byId("grid").hidden = true;
    await this.show(position);
    this.draw();
  }

  // --- people who label ---

  askWho() {
    byId("who-name").value = this.session.by || "";
    byId("who").showModal();
  }

  async setWho(by) {
    if (!by || by === this.session.by) return;
    try {
      await postJson("/api/by", { by });
      this.session.by = by;
      this.drawWho();
      await this.reload();
    } catch (error) {
      this.fail(error);
    }
  }

  drawWho() {
    byId("by").textContent = this.session.by || t("Who labels?");
  }

  fail(error) {
    if (!(error instanceof ApiError)) throw error;
    showProblem(error);
    tell("");
  }
}
