// The chart of a clip: the probability of each label over time, frame by frame.

import { element, formatMoment } from "./elements.js";
import { formatNumber, formatProbability, nameOf, t } from "./language.js";

const CHART_HEIGHT = 210;
const CHART_MARGIN = { left: 34, right: 18, top: 14, bottom: 30 };
const MIN_CHART_WIDTH = 260;
const MIN_PEAK = 50; // in thousandths: a label that stays below it in every frame has no line
const TICK_STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];

// Fills `box` with the chart of a clip: {kind, times, labels: [{name, colour}], values: per label the
// thousandths of each frame, detector: the same of the best box or null, marks: the seconds that carry the answer,
// the strongest first}. Returns a function from a time to its place, as a share of the width.
export function drawChart(box, clip, height = CHART_HEIGHT) {
  const width = Math.max(MIN_CHART_WIDTH, box.clientWidth);
  const scale = chartScale(clip.times, width, height);
  const lines = chartLines(clip);
  const attributes = {
    class: "chart",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": t("probability of each label over time"),
  };
  const parts = [
    ...probabilityAxis(scale),
    ...timeAxis(clip.kind, scale),
    ...evidenceMarks(clip.marks, scale),
    ...lines.flatMap((line) => drawLine(clip, line, scale)),
  ];
  const legend = lines.map((line) =>
    element("li", {}, element("i", { class: "dot", style: `--c:${line.colour}` }), line.name)
  );
  box.replaceChildren(
    element("svg", attributes, ...parts), element("ul", { class: "legend flat" }, ...legend)
  );
  return (time) => scale.x(time) / width;
}

// Places times and probabilities on a chart of this size.
function chartScale(times, width, height) {
  const { left, right, top, bottom } = CHART_MARGIN;
  const start = Math.min(0, times[0]);
  const end = Math.max(times[times.length - 1], start + 0.1);
  return {
    start,
    end,
    width,
    height,
    x: (time) => left + (time - start) / (end - start) * (width - left - right),
    y: (probability) => top + (1 - probability) * (height - top - bottom),
  };
}

// The lines to draw, with their values in thousandths, null where there is none.
function chartLines({ labels, values, detector }) {
  const lines = labels
    .map((label, n) => ({ name: nameOf(label.name), colour: label.colour, values: values[n], class: "series" }))
    .filter((line) => line.values && Math.max(...line.values) >= MIN_PEAK);
  if (detector) {
    lines.push({ name: t("detector"), colour: "var(--ink)", values: detector, class: "series detector" });
  }
  return lines;
}

function probabilityAxis(scale) {
  return [0, 0.5, 1].flatMap((p) => [
    element("path", { class: "grid", d: `M${CHART_MARGIN.left} ${scale.y(p)}H${scale.width - CHART_MARGIN.right}` }),
    element("text", { x: CHART_MARGIN.left - 8, y: scale.y(p) + 4, "text-anchor": "end" }, formatNumber(p, p % 1 ? 1 : 0)),
  ]);
}

function timeAxis(kind, { start, end, width, height, x }) {
  const isBurst = kind === "burst";
  const fits = (step) => (end - start) / step <= Math.max(3, width / 90);
  const step = isBurst ? 1 : TICK_STEPS_S.find(fits) || 1800;
  const ticks = [];
  for (let n = Math.ceil(start / step); n * step <= end + 1e-9; n++) {
    const name = isBurst ? formatMoment(kind, n) : t("{time} s", { time: formatNumber(n * step, step < 1 ? 1 : 0) });
    ticks.push(element("text", { x: x(n * step), y: height - 10, "text-anchor": "middle" }, name));
  }
  return ticks;
}

// A flag below the axis at each time of strong evidence, and a line at the strongest, which is the first.
function evidenceMarks(times, { start, end, x, y }) {
  const marks = [];
  times.forEach((time, n) => {
    if (time < start || time > end) return;
    if (n === 0) {
      marks.push(element("line", { class: "mark-time", x1: x(time), x2: x(time), y1: CHART_MARGIN.top, y2: y(0) }));
    }
    marks.push(element("path", { class: "flag", d: `M${x(time)} ${y(0) + 2}l4 6h-8z` }));
  });
  return marks;
}

// A line through the frames that have a value, and a dot with its value at each of them.
function drawLine({ kind, times }, line, { x, y }) {
  const points = times
    .map((time, n) => ({ time, value: line.values[n] }))
    .filter(({ value }) => value !== null)
    .map(({ time, value }) => ({ time, probability: value / 1000 }));
  const path = points
    .map(({ time, probability }, n) => `${n ? "L" : "M"}${x(time).toFixed(1)} ${y(probability).toFixed(1)}`)
    .join("");
  const radius = times.length > 60 ? 1.8 : 3;
  const dots = points.map(({ time, probability }) => {
    const place = { cx: x(time), cy: y(probability), r: radius, style: `fill:${line.colour}` };
    const title = `${line.name} ${formatProbability(probability)}, ${formatMoment(kind, time)}`;
    return element("circle", place, element("title", {}, title));
  });
  return [element("path", { class: line.class, style: `stroke:${line.colour}`, d: path }), ...dots];
}
