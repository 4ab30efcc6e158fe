// Which key does what. Letters are named by what they type, or, in another alphabet, by where they are.

import { t } from "../shared/words.js";

export const ACTIONS = [
  ["accept", "Enter", t("Accept the model's answer, or save the chosen labels")],
  ["empty", "X", t("Nothing there: empty")],
  ["unknown", "U", t("Cannot be told: unknown")],
  ["several", "A", t("Choose several labels, then Enter (or Shift and the key of each label)")],
  ["event", "E", t("The next label goes to the whole event")],
  ["majority", "M", t("Give the whole event what most of its clips are")],
  ["star", "F", t("Star")],
  ["note", "N", t("Write a note")],
  ["undo", "Z", t("Take the last label back")],
  ["next", "J", t("Next clip (or an arrow)")],
  ["previous", "K", t("Previous clip (or an arrow)")],
  ["play", "Space", t("Play the seconds that carry the answer")],
  ["slow", "S", t("Slow")],
  ["view", "V", t("Original or enhanced picture")],
  ["frame", "T", t("Next frame")],
  ["people", "P", t("Show a person or vehicle")],
  ["grid", "G", t("Grid or single clip")],
  ["history", "H", t("Who said what about this clip")],
  ["lists", "Q", t("Go to the lists")],
  ["help", "?", t("These keys")],
];

const FIXED = {
  ArrowRight: "next", ArrowDown: "next", ArrowLeft: "previous", ArrowUp: "previous", Escape: "escape",
};

// The name of the key of an event: a capital letter, a digit, or what browsers call it.
export function keyName(event) {
  const { key, code } = event;
  if (/^[a-z]$/i.test(key)) return key.toUpperCase();
  const place = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(code);
  if (place) return place[1];
  if (key === "?" || code === "Slash") return "?";
  return code === "Space" ? "Space" : code === "NumpadEnter" ? "Enter" : key;
}

export class Keys {
  // labels: of the session, with the key of each. changed: action → key, where it is not the usual one.
  constructor(labels, changed) {
    this.labels = labels;
    this.of = Object.fromEntries(ACTIONS.map(([action, key]) => [action, changed[action] || key]));
    for (const label of labels) {
      const key = changed[`label:${label.name}`] || label.key;
      if (key) this.of[`label:${label.name}`] = key;
    }
  }

  // The action of a key: of `ACTIONS`, "label:NAME", or undefined.
  action(name) {
    return Object.keys(this.of).find((action) => this.of[action] === name) || FIXED[name];
  }

  // The text of a key as people know it.
  text(action) {
    const key = this.of[action] || "";
    return { Space: t("Space"), Enter: "↵" }[key] || key;
  }
}
