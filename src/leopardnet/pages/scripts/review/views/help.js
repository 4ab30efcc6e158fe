// The keys: which they are, and how to change one.

import { byId, element } from "../../shared/elements.js";
import { nameOf, t } from "../../shared/language.js";
import { postJson } from "../api.js";
import { ACTIONS, keyName } from "../keys.js";

const RESERVED = /^(Arrow|Escape|Tab|F\d|Shift|Control|Alt|Meta|CapsLock|Dead|Process|[1-9]$)/;

export class Help {
  // onChange(): called after a key was changed.
  constructor(session, keys, onChange) {
    Object.assign(this, { session, keys, onChange });
    this.waiting = null; // the action that gets the next key
    this.dialog = byId("help");
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    this.dialog.addEventListener("close", () => {
      this.waiting = null;
    });
  }

  open() {
    this.draw();
    this.dialog.showModal();
  }

  draw() {
    const labels = this.session.labels.filter((label) => this.keys.of[`label:${label.name}`]).map(({ name }) => element(
      "div", {}, element("kbd", { class: "key" }, this.keys.text(`label:${name}`)),
      element("span", {}, t("Label: {label}", { label: nameOf(name) }))));
    const actions = ACTIONS.map(([action, , text]) => element("div", {},
      element("button", {
        type: "button", class: "key", "data-key-of": action, disabled: this.session.read_only,
        "aria-label": t("Change the key of: {action}", { action: text }),
        onclick: () => this.wait(action),
      }, this.waiting === action ? t("press a key …") : this.keys.text(action)),
      element("span", {}, text)));
    byId("help-keys").replaceChildren(...labels, ...actions);
    this.focus(this.waiting);
  }

  focus(action) {
    byId("help-keys").querySelector(`[data-key-of="${action}"]`)?.focus();
  }

  wait(action) {
    this.waiting = action;
    byId("help-problem").textContent = "";
    this.draw();
  }

  async onKey(event) {
    if (!this.waiting && keyName(event) === this.keys.of.help) this.dialog.close();
    if (!this.waiting) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") {
      this.waiting = null;
      this.draw();
      return;
    }
    const name = keyName(event);
    if (RESERVED.test(name)) return;
    const other = this.keys.action(name);
    if (other && other !== this.waiting) {
      byId("help-problem").textContent = t("{key} has something else to do. Choose another key, or change that one first.", { key: name });
      return;
    }
    const action = this.waiting;
    this.waiting = null;
    try {
      await postJson("/api/keys", { [action]: name });
      this.keys.of[action] = name;
      this.onChange();
    } catch (error) {
      byId("help-problem").textContent = error.text;
    }
    this.draw();
    this.focus(action);
  }
}
