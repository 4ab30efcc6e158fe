// What stands on and beside a picture: boxes, and the probability of each label.

import { colourDot, element } from "./elements.js";
import { formatProbability, nameOf } from "./language.js";

// A box on a picture, with its score. Boxes after the first, which is the best, are drawn thinner.
export function drawBox([left, top, right, bottom, score], n) {
  const percent = (fraction) => (100 * fraction).toFixed(2) + "%";
  const size = `width:${percent(right - left)};height:${percent(bottom - top)}`;
  const attributes = {
    class: "box" + (top < 0.12 ? " low" : "") + (n ? " more" : ""),
    style: `left:${percent(left)};top:${percent(top)};${size}`,
  };
  return element("i", attributes, score === null ? null : element("b", {}, formatProbability(score)));
}

// The likeliest of labels {name, …}, of equally likely ones the first.
export function likeliest(labels, probs) {
  return labels[probs.indexOf(Math.max(...probs))].name;
}

// A list of labels {name, colour} with a bar and the value of each.
export function probabilityList(labels, probs) {
  const rows = labels.flatMap((label, n) => [
    element("span", {}, colourDot(label.name, label.colour), nameOf(label.name)),
    probabilityBar(probs[n], label.colour),
    element("span", { class: "num" }, formatProbability(probs[n])),
  ]);
  return element("div", { class: "plist" }, ...rows);
}

function probabilityBar(probability, colour) {
  return element("div", { class: "bar" },
    element("i", { style: `flex:${probability};--c:${colour}` }),
    element("span", { style: `flex:${1 - probability}` }));
}
