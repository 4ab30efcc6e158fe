// The data of the report, and small functions on it. A clip is a number: its row in the data. The page may hold the
// first clips only; then data.files says where the others are, see files.js.

import { colourDot, formatMoment } from "../shared/elements.js";
import { formatNumber, spoken } from "../shared/language.js";

export const data = JSON.parse(document.getElementById("data").textContent);
export const nClips = data.n_clips;
export const hiddenClips = new Set(data.hidden);
export const hasTruth = data.has_truth;
export const compareText = new Intl.Collator(spoken.language, { numeric: true }).compare;

export function labelDot(name) {
  return colourDot(name, data.colours[name]);
}

// Times within a clip. A single still has none.
export function formatMoments(clip, times) {
  const kind = data.kind[clip];
  return kind === "still" ? "" : times.map((time) => formatMoment(kind, time)).join(", ");
}

// The probability of a label as a text, "" where the details of the clip are missing.
export function formatProbability(clip, name) {
  const probs = data.probs[clip];
  return probs ? formatNumber(probs[data.labels.findIndex((label) => label.name === name)], 2) : "";
}

export function pictureSource(clip) {
  return "data:image/jpeg;base64," + data.thumbs[clip];
}
