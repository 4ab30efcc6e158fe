// The data of the page, and small functions that the other parts use.
//
// The page holds language.js, data.js, chart.js, evidence.js and table.js, in this order, as one script inside one function.
// Names from the data only ever become text nodes, never markup. A clip is a number: its row in the data.

const data = JSON.parse(document.getElementById("data").textContent);
const nClips = data.clip_id.length;
const hiddenClips = new Set(data.hidden);
const hasTruth = data.truth.some(Boolean);
const compareText = new Intl.Collator(spoken.language, { numeric: true }).compare;

const SVG_TAGS = new Set(["svg", "path", "circle", "rect", "text", "title", "line", "g"]);
const SVG_NAMESPACE = document.querySelector("svg").namespaceURI;

function byId(id) {
  return document.getElementById(id);
}

// An element with attributes and children. Attributes that are null or false are left out, and children that are
// null or "" too. Other strings become text nodes.
function element(tag, attributes, ...children) {
  const isSvg = SVG_TAGS.has(tag);
  const made = isSvg ? document.createElementNS(SVG_NAMESPACE, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

function colourDot(name) {
  const hollow = name === "unsure" || name === "unreadable" ? " hollow" : "";
  return element("i", { class: "dot" + hollow, style: `--c:${data.colours[name] || "var(--animal)"}` });
}

function formatSeconds(time) {
  if (time === null) return "–";
  if (time < 60) return t("{time} s", { time: formatNumber(time, 1) });
  return t("{time} min", { time: Math.floor(time / 60) + ":" + formatNumber(time % 60, 1).padStart(4, "0") });
}

// A time within a clip. Still number n of a burst is at n - 1 seconds.
function formatMoment(clip, time) {
  return data.kind[clip] === "burst" ? t("still {n}", { n: Math.round(time) + 1 }) : formatSeconds(time);
}

// A single still has no time.
function formatMoments(clip, times) {
  return data.kind[clip] === "still" ? "" : times.map((time) => formatMoment(clip, time)).join(", ");
}

function probability(clip, name) {
  return data.probs[clip][data.labels.findIndex((label) => label.name === name)];
}

// The probability of the likeliest suspected target; -1 for a clip without one.
function suspicion(clip) {
  return data.alerts[clip].length && data.probs[clip] ? probability(clip, data.alerts[clip][0]) : -1;
}

function pictureSource(clip) {
  return "data:image/jpeg;base64," + data.thumbs[clip];
}
