// Which key does what. Letters are named by what they type, or, in another alphabet, by where they are.

import { t } from "../shared/language.js";

// Action, its usual key, what it does.
export const ACTIONS = [
  ["accept", "Enter", t("Accept the model's answer, or save the chosen labels")],
  ["empty", "x", t("Nothing there: empty")],
  ["unknown", "u", t("It cannot be told: unknown")],
  ["other", "o", t("A label that is not in the list")],
  ["several", "a", t("Choose several labels, then Enter (or Shift and the key of each label)")],
  ["event", "e", t("The next label goes to the whole event")],
  ["majority", "m", t("Give the whole event what most of its clips are")],
  ["star", "f", t("Star")],
  ["note", "n", t("Write a note")],
  ["box", "b", t("Draw a box around an animal on this frame")],
  ["unbox", "Backspace", t("Take your newest box on this clip away")],
  ["undo", "z", t("Take the last label back")],
  ["next", "j", t("Next clip (or an arrow)")],
  ["previous", "k", t("Previous clip (or an arrow)")],
  ["play", " ", t("Play the seconds that carry the answer")],
  ["slow", "s", t("Slow")],
  ["enhance", "v", t("Original or enhanced picture")],
  ["frame", "t", t("Next frame")],
  ["person", "p", t("Show a person or vehicle")],
  ["grid", "g", t("Grid or single clip")],
  ["history", "h", t("Who said what about this clip")],
  ["lists", "q", t("Go to the lists")],
  ["help", "?", t("These keys")],
  ["listen", "l", t("Play from the chosen sound")],
  ["next_sound", "i", t("Next sound of the clip")],
  ["alarm_call", "w", t("The sound is an alarm call")],
  ["call", "c", t("The sound is another call")],
  ["bird", "y", t("The sound is a bird")],
  ["voice", "r", t("The sound is a person")],
  ["other_sound", "d", t("The sound is something else")],
  ["unknown_sound", "-", t("What the sound is cannot be told")],
];

const FIXED = {
  ArrowRight: "next", ArrowDown: "next", ArrowLeft: "previous", ArrowUp: "previous", Escape: "escape",
};

// The name of the key of an event: a small letter, a digit, or what browsers call it.
export function keyName({ key, code }) {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  const place = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(code);
  if (place) return place[1].toLowerCase();
  return code === "Slash" ? "?" : key;
}

export class Keys {
  // labels: of the session, each with its key. chosen: action → key, as the server keeps them. freeDigits: for labels
  // to come.
  constructor(labels, chosen, freeDigits = "123456789") {
    this.freeDigits = [...freeDigits];
    this.of = Object.fromEntries(ACTIONS.map(([action, key]) => [action, chosen[action] || key]));
    for (const label of labels) if (label.key) this.of[`label:${label.name}`] = label.key;
  }

  // Gives a new label the first digit that is free.
  addLabel(name) {
    const free = this.freeDigits.find((digit) => !this.action(digit));
    if (free) this.of[`label:${name}`] = free;
  }

  // The action of a key: of `ACTIONS`, "label:NAME", or undefined.
  action(name) {
    return Object.keys(this.of).find((action) => this.of[action] === name) || FIXED[name];
  }

  // The text of a key as people know it.
  text(action) {
    const key = this.of[action] || "";
    return { " ": t("Space"), Enter: "↵", Backspace: "⌫" }[key] || key.toUpperCase();
  }
}
