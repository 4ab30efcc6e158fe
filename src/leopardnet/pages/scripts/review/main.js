// The review page: connects the parts, and says what each key and button does.

import { byId } from "../shared/elements.js";
import { t } from "../shared/words.js";
import { ApiError, getJson, postJson } from "./api.js";
import { Clips } from "./clips.js";
import { Keys, keyName } from "./keys.js";
import { Outbox } from "./outbox.js";
import { Queue } from "./queue.js";
import { ClipPanel, decisionLabels } from "./views/clip_panel.js";
import { Grid } from "./views/grid.js";
import { Help } from "./views/help.js";
import { Hunt } from "./views/hunt.js";
import { Lists, listTitle } from "./views/lists.js";
import { showProblem, showTrouble, tell } from "./views/notices.js";
import { Stage } from "./views/stage.js";

const N_AHEAD = 3; // clips that are loaded before they are shown
const WINDOW_AHEAD = 20;
const KEEP_PLACE_MS = 400;
const HUNT_REFRESH = 5; // after so many labels the order of a hunt is asked for again
const UNKNOWN = "unknown";
const MAY_REPEAT = new Set(["next", "previous", "frame"]); // when their key is held down

class Review {
  constructor(session) {
    this.session = session;
    this.keys = new Keys(session.labels, session.keys || {});
    this.outbox = new Outbox((outbox) => showTrouble(outbox));
    this.clips = new Clips();
    this.panel = new ClipPanel(session, this.keys);
    this.stage = new Stage(session.labels);
    this.grid = new Grid(session, this.panel, this.keys, {
      save: (ids, labels) => this.save(ids, labels),
      open: (position) => this.closeGrid(position),
    });
    this.help = new Help(session, this.keys, () => this.draw());
    this.lists = new Lists(session, (id) => this.openQueue(id, this.lists.read()), (filters) => this.filter(filters));
    this.hunt = new Hunt(session, () => this.openQueue("hunt", {}));
    this.chosen = new Set(); // labels that wait for Enter
    this.isSeveral = this.isWholeEvent = this.isBusy = false;
    this.at = -1; // position in the list
    this.ticket = 0; // of the newest wish to show a clip; older ones are forgotten
    this.nLabels = 0;
  }

  async start() {
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("click", (event) => this.onClick(event));
    byId("note").addEventListener("change", () => this.saveNote());
    byId("by").addEventListener("click", () => this.askWho());
    byId("who").addEventListener("close", () => this.setWho(byId("who-name").value.trim()));
    for (const item of this.outbox.items) item.resolve = () => this.reload();
    if (!this.outbox.isEmpty) await this.outbox.settle();
    const kept = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    const { queue, clip, ...filters } = kept;
    const known = this.session.queues.map(({ id }) => id);
    const open = this.session.queues.find(({ n_total, n_done }) => n_done < n_total);
    this.lists.write(filters);
    this.drawWho();
    await this.openQueue(known.includes(queue) ? queue : open?.id || known[0], this.lists.read(), clip);
    await this.hunt.refresh();
    if (!this.session.by && !this.session.read_only) this.askWho();
  }

  // --- lists and places ---

  async openQueue(id, filters, clipId = null) {
    this.lists.unfold(false);
    const ticket = ++this.ticket;
    let queue;
    try {
      queue = await new Queue(id, filters).open();
    } catch (error) {
      showProblem(error);
      return;
    }
    if (ticket !== this.ticket) return;
    this.queue = queue;
    this.lists.show(id);
    this.lists.showState();
    this.lists.showProgress(queue);
    const found = clipId ? queue.find(clipId) : -1;
    const start = Math.min(queue.place, Math.max(0, queue.nTotal - 1));
    const position = found >= 0 ? found : await queue.nextOpen(start);
    if (this.grid.isOn && queue.nTotal) await this.openGrid(position);
    else await this.show(position >= 0 || !queue.nTotal ? position : -1);
  }

  filter(filters) {
    return this.openQueue(this.queue.id, filters);
  }

  reload() {
    return this.openQueue(this.queue.id, this.queue.filters, this.clip?.detail.clip_id);
  }

  // Shows the clip at a position. Without one, says that the list is done or empty.
  async show(position) {
    const ticket = ++this.ticket;
    const queue = this.queue;
    try {
      const summary = await queue.at(position);
      if (!summary) {
        if (ticket === this.ticket) this.showNothing();
        return;
      }
      const clip = await this.clips.get(summary.clip_id, queue.id);
      if (ticket !== this.ticket) return;
      this.at = position;
      this.showClip(clip);
    } catch (error) {
      if (ticket === this.ticket) this.fail(error);
    }
  }

  showClip(clip) {
    this.clip = clip;
    this.chosen.clear();
    this.isWholeEvent = false;
    byId("nothing").hidden = true;
    byId("clip").hidden = false;
    byId("clip").dataset.clip = clip.detail.clip_id;
    byId("note").value = this.said().note;
    this.draw();
    this.stage.show(clip);
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
      ? t("Every clip of this list has your label.")
      : isFiltered ? t("No clip matches these filters.") : t("This list is empty.");
    const next = this.session.queues.find(({ id, n_total, n_done }) => id !== this.queue.id && n_done < n_total);
    const advice = next ? " " + t("Still open: {list}.", { list: listTitle(next.id) }) : "";
    this.clip = null;
    this.stage.flip(false);
    byId("clip").hidden = true;
    byId("nothing").hidden = false;
    byId("nothing").textContent = text + advice;
    tell(text);
  }

  // Remembers where this person is: on the server for another day, and in the address for a reload.
  keepPlace() {
    const { queue } = this;
    const clipId = this.clip.detail.clip_id;
    history.replaceState(null, "", "#" + new URLSearchParams({ queue: queue.id, ...queue.filters, clip: clipId }));
    clearTimeout(this.placeTimer);
    this.placeTimer = setTimeout(() => {
      if (!this.session.read_only) postJson("/api/place", { queue: queue.id, clip_id: clipId }).catch(() => {});
    }, KEEP_PLACE_MS);
  }

  draw() {
    const pressed = {
      several: this.isSeveral, event: this.isWholeEvent, slow: this.stage.isSlow, view: this.clips.isEnhanced,
      star: Boolean(this.clip?.detail.starred), grid: this.grid.isOn,
    };
    for (const [action, isOn] of Object.entries(pressed)) {
      document.querySelector(`[data-action="${action}"]`).setAttribute("aria-pressed", String(isOn));
    }
    for (const button of document.querySelectorAll("button.quiet[data-action]")) {
      button.setAttribute("aria-keyshortcuts", this.keys.of[button.dataset.action] || "");
      button.title = this.keys.text(button.dataset.action);
    }
    if (this.clip) this.panel.show(this.clip.detail, this.chosen);
    const n = this.clip?.detail.event?.length || 0;
    byId("say-title").textContent = this.isWholeEvent
      ? t("What do you see? The label goes to all clips of this event: {n}", { n })
      : t("What do you see?");
    byId("say-title").classList.toggle("wide-mark", this.isWholeEvent);
  }

  // --- labels ---

  // What this person last said about the clip: {labels, note, starred}.
  said() {
    const { detail } = this.clip;
    const mine = (detail.history || []).filter((entry) => entry.by === this.session.by && !entry.is_undone);
    const newest = mine.reduce((a, b) => (a && a.entry_id > b.entry_id ? a : b), null);
    return { labels: detail.labels, note: newest?.note || "", starred: Boolean(detail.starred) };
  }

  // Sends labels; true when they are on disk. Nothing else can be labelled until then.
  async save(clipIds, labels, more = {}) {
    if (this.session.read_only) {
      tell(t("This review is only for reading: nothing can be labelled."));
      return false;
    }
    if (this.isBusy || !this.outbox.isEmpty) {
      tell(t("Wait: the last label is not saved yet."));
      return false;
    }
    const queue = this.queue;
    this.isBusy = true;
    try {
      const answer = await this.outbox.send("/api/label", { clip_ids: clipIds, labels, queue: queue.id, ...more });
      for (const clipId of clipIds) {
        queue.note(clipId, { labels, ...("starred" in more ? { starred: more.starred } : {}) });
        this.clips.forget(clipId);
      }
      queue.nDone = answer.n_done;
      this.lists.showProgress(queue);
      const title = labels.length ? this.panel.titles(labels) : t("no label");
      tell(clipIds.length > 1 ? t("Saved for {n} clips: {label}", { n: clipIds.length, label: title }) : t("Saved: {label}", { label: title }));
      this.followHunt(labels);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return false; // it was dropped, after its reason was shown
    } finally {
      this.isBusy = false;
    }
  }

  // Saves labels of the shown clip, or of its whole event, and moves on.
  async say(labels) {
    if (!this.clip) return;
    const { detail } = this.clip;
    const { note, starred } = this.said();
    const isEvent = this.isWholeEvent && detail.event?.length > 1;
    const second = this.stage.chosenSecond;
    const seconds = second !== null && !labels.some((name) => this.isNothing(name)) ? { seconds: [second] } : {};
    const more = isEvent ? {} : { note, starred, ...seconds };
    const from = this.at;
    if (await this.save(isEvent ? detail.event : [detail.clip_id], labels, more)) await this.showNextOpen(from);
  }

  async showNextOpen(from) {
    try {
      await this.show(await this.queue.nextOpen(from + 1));
    } catch (error) {
      this.fail(error);
    }
  }

  isNothing(name) {
    return name === UNKNOWN || this.session.labels.some((label) => label.is_empty && label.name === name);
  }

  toggle(name) {
    if (this.chosen.has(name)) this.chosen.delete(name);
    else this.chosen.add(name);
    this.draw();
  }

  accept() {
    const { detail } = this.clip;
    const names = detail.is_blind ? [] : decisionLabels(this.session.labels, detail.decision);
    if (this.chosen.size) return this.say([...this.chosen]);
    if (names.length) return this.say(names);
    tell(detail.is_blind ? t("The model's answer is hidden here: press the key of a label.") : t("There is no answer to accept: press the key of a label."));
    return undefined;
  }

  // Gives all clips of the event, or all that are chosen in the grid, what most of them are.
  async majority() {
    const ids = this.grid.isOn ? this.grid.targets : this.clip?.detail.event || [];
    if (ids.length < 2) return tell(t("There is nothing else in this event."));
    let clips;
    try {
      clips = await Promise.all(ids.map((clipId) => this.clips.get(clipId, this.queue.id)));
    } catch (error) {
      return this.fail(error);
    }
    const winner = mostFrequent(clips.map(({ detail }) =>
      detail.labels.length || detail.is_blind ? detail.labels : decisionLabels(this.session.labels, detail.decision)));
    if (!winner) return tell(t("No answer has a majority here: press the key of a label."));
    if (this.grid.isOn) return this.grid.label(winner);
    if (await this.save(ids, winner)) await this.showNextOpen(this.at);
    return undefined;
  }

  async undo() {
    if (this.isBusy || !this.outbox.isEmpty || this.session.read_only) return;
    this.isBusy = true;
    let answer;
    try {
      answer = await this.outbox.send("/api/undo", {}, [409]);
    } catch (error) {
      tell(error.text);
      return;
    } finally {
      this.isBusy = false;
    }
    const [clipId] = answer.undone;
    for (const undone of answer.undone) this.clips.forget(undone);
    const known = this.session.queues.some(({ id }) => id === answer.queue);
    const isHere = answer.queue === this.queue.id;
    await this.openQueue(known ? answer.queue : this.queue.id, isHere ? this.queue.filters : {}, clipId);
    tell(t("Taken back."));
  }

  async changeSaid(values) {
    const { detail } = this.clip;
    if (await this.save([detail.clip_id], detail.labels, { ...this.said(), ...values })) await this.showAgain();
  }

  saveNote() {
    if (this.clip && byId("note").value.trim() !== this.said().note) this.changeSaid({ note: byId("note").value.trim() });
    byId("note").blur();
  }

  // Loads the shown clip again, after something about it changed.
  async showAgain() {
    const frame = this.stage.frame;
    try {
      const clip = await this.clips.get(this.clip.detail.clip_id, this.queue.id);
      this.showClip(clip);
      this.stage.showFrame(frame);
    } catch (error) {
      this.fail(error);
    }
  }

  // The order of a hunt learns from labels, so it is asked for now and then, while people go on.
  async followHunt(labels) {
    if (this.session.mode !== "hunt" || !labels.length) return;
    this.nLabels += 1;
    if (this.nLabels % HUNT_REFRESH) return;
    this.hunt.refresh();
    if (this.queue.id !== "hunt") return;
    const fresh = await new Queue("hunt", this.queue.filters).open().catch(() => null);
    if (!fresh || this.queue.id !== "hunt") return;
    this.queue = fresh;
    this.at = this.clip ? fresh.find(this.clip.detail.clip_id) : -1;
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
      this.clips.kept.clear();
      await this.reload();
    } catch (error) {
      showProblem(error);
    }
  }

  drawWho() {
    byId("by").textContent = this.session.by || t("Who labels?");
  }

  // --- grid ---

  async toggleGrid() {
    if (this.grid.isOn) await this.closeGrid(this.grid.position);
    else if (this.queue.nTotal) await this.openGrid(this.at);
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

  // --- keys and buttons ---

  act(action) {
    if (action.startsWith("label:")) return this.press(action.slice("label:".length));
    const inClip = (run) => this.clip && !this.grid.isOn && run();
    return {
      accept: () => (this.grid.isOn ? this.grid.accept() : inClip(() => this.accept())),
      empty: () => this.press(this.session.labels.find((label) => label.is_empty)?.name),
      unknown: () => this.press(UNKNOWN),
      several: () => this.flag("isSeveral"),
      event: () => inClip(() => this.chooseEvent()),
      majority: () => this.majority(),
      star: () => inClip(() => this.changeSaid({ starred: !this.said().starred })),
      note: () => inClip(() => byId("note").focus()),
      undo: () => this.undo(),
      next: () => inClip(() => this.step(1)),
      previous: () => inClip(() => this.step(-1)),
      play: () => inClip(() => this.stage.play()),
      slow: () => inClip(() => this.slow()),
      view: () => inClip(() => this.switchView()),
      frame: () => inClip(() => this.stage.step()),
      people: () => inClip(() => this.showPeople()),
      grid: () => this.toggleGrid(),
      history: () => this.toggleHistory(),
      lists: () => this.lists.focus(),
      help: () => this.help.open(),
      escape: () => this.lists.unfold(false),
    }[action]?.();
  }

  press(name) {
    if (!name) return tell(t("This model has no such label."));
    if (this.grid.isOn) return this.grid.label([name]);
    if (!this.clip) return undefined;
    return this.isSeveral || this.chosen.size ? this.toggle(name) : this.say([name]);
  }

  flag(name) {
    this[name] = !this[name];
    this.draw();
  }

  chooseEvent() {
    const { detail } = this.clip;
    if (detail.is_blind) return tell(t("In the audit each clip is looked at on its own."));
    if (!(detail.event?.length > 1)) return tell(t("There is nothing else in this event."));
    return this.flag("isWholeEvent");
  }

  step(by) {
    return this.show(Math.min(Math.max(this.at + by, 0), this.queue.nTotal - 1));
  }

  slow() {
    this.stage.setSlow(!this.stage.isSlow);
    this.draw();
  }

  switchView() {
    this.clips.isEnhanced = !this.clips.isEnhanced;
    return this.showAgain();
  }

  showPeople() {
    if (!this.clip.detail.is_hidden) return undefined;
    this.clips.showsPeople = true;
    return this.showAgain();
  }

  toggleHistory() {
    byId("history").hidden = !byId("history").hidden;
    document.querySelector("[data-action=history]").setAttribute("aria-expanded", String(!byId("history").hidden));
  }

  onKey(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const name = keyName(event);
    if ((event.ctrlKey || event.metaKey) && name === "Z" && !event.target.matches("input")) return this.take(event, "undo");
    if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape" || (event.key === "Enter" && event.target.id === "note")) event.target.blur();
      return undefined;
    }
    // Whoever has gone to a button with Tab presses it with Enter or Space.
    if (["Enter", "Space"].includes(name) && event.target.matches("button:focus-visible, summary")) return undefined;
    const action = this.keys.action(name);
    if (this.grid.isOn && this.grid.onKey(event, action)) return event.preventDefault();
    if (event.shiftKey && action?.startsWith("label:") && this.clip && !this.grid.isOn) {
      event.preventDefault();
      return event.repeat ? undefined : this.toggle(action.slice("label:".length));
    }
    return action ? this.take(event, action) : undefined;
  }

  take(event, action) {
    event.preventDefault();
    if (event.repeat && !MAY_REPEAT.has(action)) return undefined;
    return this.act(action);
  }

  onClick(event) {
    const button = event.target.closest("button");
    if (button?.dataset.action) this.act(button.dataset.action);
    // After a click the keys belong to the page again. A press of Enter on a button counts no clicks.
    if (button && event.detail && !button.closest("dialog")) button.blur();
  }

  fail(error) {
    if (!(error instanceof ApiError)) throw error;
    showProblem(error);
  }
}

// The labels that most of these have, null where no two agree or two are as frequent.
function mostFrequent(all) {
  const counts = new Map();
  for (const labels of all) {
    const key = JSON.stringify([...labels].sort());
    if (labels.length) counts.set(key, (counts.get(key) || 0) + 1);
  }
  const ordered = [...counts].sort((a, b) => b[1] - a[1]);
  if (!ordered.length || ordered[0][1] < 2 || ordered[1]?.[1] === ordered[0][1]) return null;
  return JSON.parse(ordered[0][0]);
}

getJson("/api/session").then((session) => new Review(session).start()).catch((error) => {
  if (error instanceof ApiError) showProblem(error);
  else throw error;
});
