// Many clips at once, in groups: events, look-alikes, finds at the same spot. One key labels all that are chosen.

import { byId, colourDot, element } from "../../shared/elements.js";
import { nameOf, t } from "../../shared/language.js";
import { decisionLabels, formatCapture, namesOf } from "./clip_panel.js";
import { tell } from "./notices.js";

const WINDOW = 100;

export class Grid {
  // save(clip_ids, labels): whether they are on disk; open(position): shows one clip.
  constructor(session, keys, { save, open }) {
    Object.assign(this, { session, keys, save, open });
    this.selected = new Set();
    this.cursor = this.anchor = null;
    this.isOn = false;
    byId("groups").addEventListener("click", (event) => this.onClick(event));
    byId("groups").addEventListener("dblclick", (event) => this.openTile(event.target.closest(".clip-tile")));
    byId("group-by").addEventListener("change", () => this.draw());
    byId("more-clips").addEventListener("click", () => this.loadMore());
  }

  // Shows the list from the window of this position on.
  async show(queue, position) {
    this.queue = queue;
    this.start = Math.floor(Math.max(0, position) / WINDOW) * WINDOW;
    this.end = this.start;
    this.selected.clear();
    this.isOn = true;
    this.cursor = queue.clips[position]?.clip_id || null;
    const groups = queue.clips.filter((clip) => clip?.group).length;
    byId("group-by").value = groups ? "group" : "event_id";
    byId("group-by").parentElement.hidden = !groups;
    await this.loadMore();
  }

  async loadMore() {
    await this.queue.at(this.end);
    this.end = Math.min(this.end + WINDOW, this.queue.nTotal);
    this.draw();
  }

  get clips() {
    return this.queue.clips.slice(this.start, this.end).filter(Boolean);
  }

  // [name of the group, clips] in the order of the list.
  get groups() {
    const by = byId("group-by").value;
    const groups = new Map();
    for (const clip of this.clips) {
      const key = clip[by] ?? "";
      groups.set(key, [...(groups.get(key) || []), clip]);
    }
    return [...groups];
  }

  draw() {
    if (!this.clips.some((clip) => clip.clip_id === this.cursor)) this.cursor = this.clips[0]?.clip_id || null;
    byId("groups").replaceChildren(...this.groups.map(([name, clips]) => this.group(name, clips)));
    byId("more-clips").hidden = this.end >= this.queue.nTotal;
    byId("grid-labels").replaceChildren(...this.labelButtons());
    this.mark();
  }

  group(name, clips) {
    const [first] = clips;
    const when = formatCapture(first.captured, "short");
    const title = name ? [first.site, when].filter(Boolean).join(", ") || first.path : t("without a group");
    const n = t("clips: {n}", { n: clips.length });
    return element("section", { class: "group", role: "group", "aria-label": `${title}, ${n}` },
      element("h3", {}, title, ...(clips.length < 2 ? [] : [element("small", {}, n),
        element("button", { type: "button", class: "quiet", "data-group": name }, t("Choose all"))])),
      element("div", { class: "clip-tiles", role: "listbox", "aria-multiselectable": "true", "aria-label": title },
        ...clips.map((clip) => this.tile(clip))));
  }

  tile(clip) {
    const said = clip.labels.length ? namesOf(clip.labels) : "";
    const answer = clip.decision ? nameOf(clip.decision) : "";
    const name = [clip.path.split("/").pop(), said || answer].filter(Boolean).join(", ");
    const colour = (label) => this.session.labels.find((other) => other.name === label)?.colour;
    const shown = clip.labels[0] || clip.decision;
    return element("div", {
      class: "clip-tile" + (said ? " given" : ""), role: "option", tabindex: "-1", "aria-label": name, "data-clip": clip.clip_id,
    },
    clip.thumb && !clip.has_person ? element("img", { src: clip.thumb, alt: "", loading: "lazy" }) : element("span", { class: "none" }),
    element("span", { class: "tile-words" }, shown ? colourDot(shown, colour(shown)) : "", said ? element("b", {}, said) : answer,
      clip.starred ? " ★" : ""));
  }

  labelButtons() {
    const button = (action, title, colour) => element("button", { type: "button", class: "quiet", "data-action": action },
      colour ? colourDot(title, colour) : "", title);
    const empty = this.session.labels.find((label) => label.is_empty);
    return [
      ...this.session.labels.filter((label) => !label.is_empty).map((l) => button(`label:${l.name}`, nameOf(l.name), l.colour)),
      ...(empty ? [button("empty", nameOf(empty.name), empty.colour)] : []),
      button("unknown", nameOf("unknown"), null),
      ...(this.clips.some((clip) => clip.decision) ? [button("accept", t("as the model says"), null)] : []),
    ];
  }

  // Marks what is chosen and where the keyboard is, without drawing the tiles again.
  mark() {
    for (const tile of byId("groups").querySelectorAll(".clip-tile")) {
      const isCursor = tile.dataset.clip === this.cursor;
      tile.setAttribute("aria-selected", String(this.selected.has(tile.dataset.clip)));
      tile.tabIndex = isCursor ? 0 : -1;
      if (isCursor && this.isOn) tile.focus({ preventScroll: true });
      if (isCursor) tile.scrollIntoView({ block: "nearest" });
    }
    byId("selected").textContent = this.selected.size
      ? t("chosen: {n}", { n: this.selected.size })
      : matchMedia("(hover: none)").matches
        ? t("Tap the clips that you choose")
        : t("Arrows move, Shift and arrows choose, E chooses the whole group");
  }

  // The clips that a label would go to: the chosen ones, or the one at the keyboard.
  get targets() {
    const chosen = this.clips.map((clip) => clip.clip_id).filter((clipId) => this.selected.has(clipId));
    return chosen.length ? chosen : [this.cursor].filter(Boolean);
  }

  get position() {
    return this.queue.find(this.cursor);
  }

  async label(labels) {
    const ids = this.targets;
    if (!ids.length || !(await this.save(ids, labels))) return;
    this.afterSaving(ids);
  }

  // Gives each of the clips what the model says of it.
  async accept() {
    const byLabels = new Map();
    for (const clipId of this.targets) {
      const clip = this.queue.clips[this.queue.find(clipId)];
      const names = decisionLabels(this.session.labels, clip.decision);
      const key = JSON.stringify(names);
      if (names.length) byLabels.set(key, [...(byLabels.get(key) || []), clipId]);
    }
    if (!byLabels.size) tell(t("There is no answer to accept: press the key of a label."));
    for (const [names, ids] of byLabels) if (await this.save(ids, JSON.parse(names))) this.afterSaving(ids);
  }

  // Moves on to the first clip after these that has no label.
  afterSaving(ids) {
    this.selected.clear();
    const last = Math.max(...ids.map((clipId) => this.queue.find(clipId)));
    const order = this.groups.flatMap(([, clips]) => clips);
    const open = order.filter((clip) => !clip.labels.length);
    const next = open.find((clip) => this.queue.find(clip.clip_id) > last) || open[0];
    if (next) this.cursor = next.clip_id;
    this.draw();
  }

  chooseGroup() {
    const group = this.groups.find(([, clips]) => clips.some((clip) => clip.clip_id === this.cursor));
    this.toggleAll(group[1].map((clip) => clip.clip_id));
  }

  toggleAll(ids) {
    const isOn = ids.every((clipId) => this.selected.has(clipId));
    for (const clipId of ids) this.selected[isOn ? "delete" : "add"](clipId);
    this.mark();
  }

  onClick(event) {
    const button = event.target.closest("[data-group]");
    const tile = event.target.closest(".clip-tile");
    if (button) this.toggleAll(this.groups.find(([name]) => String(name) === button.dataset.group)[1].map((clip) => clip.clip_id));
    if (!tile) return;
    const clipId = tile.dataset.clip;
    if (event.shiftKey && this.cursor) this.chooseRange(this.anchor || this.cursor, clipId);
    else this.selected[this.selected.has(clipId) ? "delete" : "add"](clipId);
    this.anchor = event.shiftKey ? this.anchor : clipId;
    this.cursor = clipId;
    this.mark();
  }

  openTile(tile) {
    if (tile) this.open(this.queue.find(tile.dataset.clip));
  }

  chooseRange(from, to) {
    const order = this.groups.flatMap(([, clips]) => clips.map((clip) => clip.clip_id));
    const [start, end] = [order.indexOf(from), order.indexOf(to)].sort((a, b) => a - b);
    for (const clipId of order.slice(start, end + 1)) this.selected.add(clipId);
  }

  // Handles the keys that move and choose; returns whether this was one.
  onKey(event, action) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (arrows[event.key]) this.move(...arrows[event.key], event.shiftKey);
    else if (action === "next" || action === "previous") this.move(action === "next" ? 1 : -1, 0, event.shiftKey);
    else if (action === "play") this.toggleAll([this.cursor].filter(Boolean));
    else if (action === "event" && this.cursor) this.chooseGroup();
    else if (action === "escape") this.toggleAll([...this.selected]);
    else return false;
    return true;
  }

  move(right, down, isChoosing) {
    const tiles = [...byId("groups").querySelectorAll(".clip-tile")];
    const at = tiles.findIndex((tile) => tile.dataset.clip === this.cursor);
    const target = right ? tiles[at + right] : nextInColumn(tiles, at, down);
    if (!target) return;
    if (isChoosing) {
      this.anchor ||= this.cursor;
      this.chooseRange(this.anchor, target.dataset.clip);
    } else {
      this.anchor = null;
    }
    this.cursor = target.dataset.clip;
    this.mark();
  }

  hide() {
    this.isOn = false;
  }
}

// The tile above or below: of the nearest row, the nearest in the width.
function nextInColumn(tiles, at, down) {
  const place = (tile) => tile.getBoundingClientRect();
  const from = place(tiles[at]);
  const beyond = tiles.filter((tile) => down * (place(tile).top - from.top) > 1);
  if (!beyond.length) return null;
  const row = Math.min(...beyond.map((tile) => Math.abs(place(tile).top - from.top)));
  const sameRow = beyond.filter((tile) => Math.abs(place(tile).top - from.top) < row + 1);
  const distance = (tile) => Math.abs(place(tile).left - from.left);
  return sameRow.reduce((best, tile) => distance(tile) < distance(best) ? tile : best);
}
