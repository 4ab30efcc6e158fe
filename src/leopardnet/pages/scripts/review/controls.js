// What each key and each button does.

import { byId } from "../shared/elements.js";
import { keyName } from "./keys.js";
import { SOUND_LABELS } from "./views/sounds.js";

const MAY_REPEAT = new Set(["next", "previous", "frame"]); // when their key is held down

export class Controls {
  constructor(review) {
    this.review = review;
    const { labelling, stage, lists, help, sounds } = review;
    const inClip = (run) => () => review.clip && !review.grid.isOn && run();
    this.actions = {
      accept: () => (review.grid.isOn ? review.grid.accept() : inClip(() => labelling.accept())()),
      empty: () => labelling.pressEmpty(),
      unknown: () => labelling.pressUnknown(),
      other: () => document.querySelector(review.grid.isOn ? "#grid .other input" : "#clip .other input").focus(),
      several: () => labelling.switchSeveral(),
      event: inClip(() => labelling.chooseEvent()),
      majority: () => labelling.majority(),
      star: inClip(() => labelling.star()),
      note: inClip(() => byId("note").focus()),
      box: inClip(() => review.drawBox()),
      unbox: inClip(() => labelling.removeBox()),
      undo: () => labelling.undo(),
      next: inClip(() => review.step(1)),
      previous: inClip(() => review.step(-1)),
      play: inClip(() => stage.play()),
      slow: inClip(() => review.switchSlow()),
      enhance: inClip(() => review.switchView()),
      frame: inClip(() => stage.step()),
      person: inClip(() => stage.showPeople()),
      grid: () => review.toggleGrid(),
      history: () => review.toggleHistory(),
      lists: () => lists.focus(),
      help: () => help.open(),
      listen: inClip(() => sounds.listen()),
      next_sound: inClip(() => sounds.next()),
      ...Object.fromEntries(Object.keys(SOUND_LABELS).map((action) => [action, inClip(() => sounds.say(action))])),
      escape: () => lists.unfold(false),
    };
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("click", (event) => this.onClick(event));
    for (const form of document.querySelectorAll("form.other")) {
      const [field] = form.elements;
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        field.blur();
        labelling.addLabel(field.value);
        field.value = "";
      });
    }
    byId("note").addEventListener("change", () => labelling.saveNote(byId("note").value.trim()));
  }

  act(action) {
    if (action.startsWith("label:")) return this.review.labelling.press(action.slice("label:".length));
    return this.actions[action]?.();
  }

  onKey(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const { keys, grid, clip, drawing, labelling } = this.review;
    const name = keyName(event);
    const field = event.target.matches("input, select, textarea") ? event.target : null;
    if (field) {
      if (event.key === "Escape" || (event.key === "Enter" && field.id === "note")) field.blur();
      return;
    }
    const isUndo = (event.ctrlKey || event.metaKey) && name === "z";
    if ((event.ctrlKey || event.metaKey || event.altKey) && !isUndo) return;
    const action = isUndo ? "undo" : keys.action(name);
    if (drawing.onKey(event, action)) {
      event.preventDefault();
      return;
    }
    // Whoever has gone to a button with Tab presses it with Enter or Space.
    if (["Enter", " "].includes(name) && event.target.matches("button:focus-visible, summary")) return;
    if (grid.isOn && grid.onKey(event, action)) {
      event.preventDefault();
      return;
    }
    if (!action) return;
    event.preventDefault();
    if (event.repeat && !MAY_REPEAT.has(action)) return;
    if (event.shiftKey && action.startsWith("label:") && clip && !grid.isOn) labelling.toggle(action.slice("label:".length));
    else this.act(action);
  }

  onClick(event) {
    const button = event.target.closest("button");
    if (button?.dataset.action) this.act(button.dataset.action);
    // After a click the keys belong to the page again. A press of Enter on a button counts no clicks.
    if (button && event.detail && !button.closest("dialog")) button.blur();
  }
}
