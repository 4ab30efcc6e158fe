// Elements and the text of values, for all pages. Names from data only ever become text nodes, never markup.

import { formatNumber, t } from "./language.js";

const SVG_TAGS = new Set(["svg", "path", "circle", "rect", "text", "title", "line", "g"]);
const SVG_NAMESPACE = document.querySelector("svg").namespaceURI;

export function byId(id) {
  return document.getElementById(id);
}

// An element with attributes and children. Attributes that are null or false are left out, and children that are
// null or "" too. Other strings become text nodes. Functions become listeners: {onclick: …}.
export function element(tag, attributes, ...children) {
  const isSvg = SVG_TAGS.has(tag);
  const made = isSvg ? document.createElementNS(SVG_NAMESPACE, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (name === "style") made.style.cssText = value; // the attribute would break a strict content security policy
    else if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

export function colourDot(name, colour) {
  const hollow = name === "unsure" || name === "unreadable" ? " hollow" : "";
  return element("i", { class: "dot" + hollow, style: `--c:${colour || "var(--animal)"}` });
}

export function formatSeconds(time) {
  if (time === null) return "–";
  if (time < 60) return t("{time} s", { time: formatNumber(time, 1) });
  return t("{time} min", { time: Math.floor(time / 60) + ":" + formatNumber(time % 60, 1).padStart(4, "0") });
}

// A time within a clip of this kind. Still number n of a burst is at n - 1 seconds.
export function formatMoment(kind, time) {
  return kind === "burst" ? t("still {n}", { n: Math.round(time) + 1 }) : formatSeconds(time);
}
