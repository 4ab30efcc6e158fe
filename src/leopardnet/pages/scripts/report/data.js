// The data of the report, and small functions on it. A clip is a number: its row in the data.

import { colourDot, formatMoment } from "../shared/elements.js";
import { spoken } from "../shared/language.js";

export const data = JSON.parse(document.getElementById("data").textContent);
export const nClips = data.clip_id.length;
export const hiddenClips = new Set(data.hidden);
export const hasTruth = data.truth.some(Boolean);
export const compareText = new Intl.Collator(spoken.language, { numeric: true }).compare;

export function labelDot(name) {
  return colourDot(name, data.colours[name]);
}

// Times within a clip. A single still has none.
export function formatMoments(clip, times) {
  const kind = data.kind[clip];
  return kind === "still" ? "" : times.map((time) => formatMoment(kind, time)).join(", ");
}

export function probability(clip, name) {
  return data.probs[clip][data.labels.findIndex((label) => label.name === name)];
}

// The probability of the likeliest suspected target; -1 for a clip without one.
export function suspicion(clip) {
  return data.alerts[clip].length && data.probs[clip] ? probability(clip, data.alerts[clip][0]) : -1;
}

export function pictureSource(clip) {
  return "data:image/jpeg;base64," + data.thumbs[clip];
}
