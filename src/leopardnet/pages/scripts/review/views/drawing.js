// Boxes that a person draws on the shown frame, by mouse, by finger or by keys. Each is saved as soon as it is drawn.

import { byId, element } from "../../shared/elements.js";
import { drawBox } from "../../shared/picture.js";
import { nameOf, t } from "../../shared/language.js";
import { tell } from "./notices.js";

const MIDDLE = [0.35, 0.35, 0.65, 0.65]; // left, top, right, bottom as fractions of the picture
const STEP = 0.02;
const SMALLEST = 0.01;
const SAME_FRAME_S = 0.0015;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Drawing {
  // stage: its frame is drawn on. onDrawn(box): saves {xyxy, time_s}; true when it is on disk.
  constructor(stage, onDrawn) {
    Object.assign(this, { stage, onDrawn });
    this.box = null; // that is being drawn
    this.corner = null; // where the pointer went down
    stage.overlay = () => this.elements();
    const shot = byId("shot");
    shot.addEventListener("pointerdown", (event) => this.onDown(event));
    shot.addEventListener("pointermove", (event) => this.onMove(event));
    shot.addEventListener("pointerup", (event) => this.onUp(event));
    shot.addEventListener("pointercancel", () => this.end());
  }

  get isOn() {
    return Boolean(this.box);
  }

  // Begins a box on the shown frame, around what the detector found there.
  begin() {
    const { stage } = this;
    if (this.isOn) return this.end();
    if (stage.isCovered || !stage.clip.images.length) return tell(t("There is no picture to draw on."));
    stage.stopAt(stage.frame);
    const [best] = [...(this.frame.boxes || [])].sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
    this.box = [...(best?.xyxy || MIDDLE)];
    tell(t("Drag a box around the animal. Or move this one with the arrows, change it with Shift and the arrows, and press Enter; Escape ends."));
    return this.draw();
  }

  end() {
    if (!this.isOn) return;
    this.box = this.corner = null;
    this.draw();
  }

  get frame() {
    return this.stage.clip.detail.frames[this.stage.frame];
  }

  draw() {
    byId("shot").classList.toggle("drawing", this.isOn);
    document.querySelector("[data-action=box]").setAttribute("aria-pressed", String(this.isOn));
    if (this.stage.clip) this.stage.showFrame(this.stage.frame);
  }

  // What stands on the shown frame: the boxes of this person, and the one that is being drawn.
  elements() {
    const here = this.stage.drawn.filter((box) => Math.abs(box.time_s - this.frame.time_s) < SAME_FRAME_S);
    const shapes = here.map(({ xyxy, label }) => {
      const shape = drawBox([...xyxy, null], 0);
      shape.classList.add("drawn");
      if (label) shape.append(element("b", {}, nameOf(label)));
      return shape;
    });
    if (this.isOn) {
      shapes.push(drawBox([...this.box, null], 0));
      shapes.at(-1).classList.add("draft");
    }
    return shapes;
  }

  async keep() {
    const xyxy = this.box.map((side) => Number(side.toFixed(4)));
    if (await this.onDrawn({ xyxy, time_s: this.frame.time_s })) this.end();
  }

  // --- pointer ---

  point({ clientX, clientY }) {
    const place = byId("shot").getBoundingClientRect();
    return [(clientX - place.left) / place.width, (clientY - place.top) / place.height].map(cut);
  }

  onDown(event) {
    if (!this.isOn || event.button) return;
    event.preventDefault();
    byId("shot").setPointerCapture(event.pointerId);
    this.corner = this.point(event);
  }

  onMove(event) {
    if (!this.corner) return;
    const [[x0, y0], [x1, y1]] = [this.corner, this.point(event)];
    this.box = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
    this.draw();
  }

  onUp(event) {
    if (!this.corner) return undefined;
    this.onMove(event);
    this.corner = null;
    const [left, top, right, bottom] = this.box;
    if (right - left >= SMALLEST && bottom - top >= SMALLEST) return this.keep();
    tell(t("This box is too small: drag from one corner of the animal to the opposite one."));
    return this.end();
  }

  // --- keys ---

  // While a box is drawn the keys belong to it. True where nothing else may take the key.
  onKey(event, action) {
    if (!this.isOn) return false;
    const move = MOVES[event.key];
    if (move) this.shift(move, event.shiftKey);
    else if (event.key === "Enter") this.keep();
    else if (event.key === "Escape" || ["box", "unbox", "undo"].includes(action)) this.end();
    else if (action) tell(t("Enter keeps the box, Escape drops it."));
    return Boolean(move || action || event.key === "Escape");
  }

  // Moves the box, or its right and lower side.
  shift([x, y], isSize) {
    const [left, top, right, bottom] = this.box;
    if (isSize) {
      this.box = [left, top, Math.max(cut(right + x * STEP), left + STEP), Math.max(cut(bottom + y * STEP), top + STEP)].map(cut);
    } else {
      const dx = Math.min(Math.max(x * STEP, -left), 1 - right);
      const dy = Math.min(Math.max(y * STEP, -top), 1 - bottom);
      this.box = [left + dx, top + dy, right + dx, bottom + dy];
    }
    this.draw();
  }
}

function cut(fraction) {
  return Math.min(Math.max(fraction, 0), 1);
}
