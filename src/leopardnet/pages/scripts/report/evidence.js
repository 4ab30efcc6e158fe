// The evidence of an open clip: its picture with boxes, its probabilities, its chart, and its facts.

import { drawChart } from "../shared/chart.js";
import { byId, element, formatMoment } from "../shared/elements.js";
import { formatDay, formatNumber, nameOf, t } from "../shared/language.js";
import { drawBox, probabilityList } from "../shared/picture.js";
import { data, formatMoments, hiddenClips, pictureSource } from "./data.js";
import { isDetailed } from "./files.js";

const SMALL_PICTURE_PX = 100;

// The row of the table that follows the row of an open clip.
export function evidenceRow(clip, nColumns) {
  const evidence = isDetailed(clip)
    ? element("div", { class: "evidence" }, evidencePicture(clip), evidenceChart(clip))
    : element("p", { class: "muted" }, t("The file with the details of this clip is missing."));
  return element("tr", { class: "detail" }, element("td", { colspan: nColumns }, evidence));
}

function evidencePicture(clip) {
  const probs = data.probs[clip];
  if (!probs) return element("div", {}, picture(clip));
  const list = probabilityList(data.labels, probs);
  return element("div", {}, picture(clip), element("h4", {}, t("Whole clip")), list);
}

function picture(clip) {
  if (hiddenClips.has(clip)) {
    return element("p", { class: "muted" }, t("The picture is left out: a person or a vehicle."));
  }
  if (!data.thumbs[clip]) return null;
  const alt = t("the frame with the strongest evidence for the decision");
  const image = element("img", { src: pictureSource(clip), alt });
  const boxes = data.boxes[clip];
  const moment = formatMoment(data.kind[clip], data.best[clip]);
  const frame = data.kind[clip] === "still" ? t("The still.") : t("The strongest frame, {moment}.", { moment });
  const finding = boxes && !boxes.length ? " " + t("The detector found nothing in it.") : "";
  const caption = element("figcaption", {}, frame + finding);
  image.onload = () => {
    if (Math.min(image.naturalWidth, image.naturalHeight) < SMALL_PICTURE_PX) {
      caption.append(" " + t("This is a small preview; the clip itself shows more."));
    }
  };
  const shot = element("div", { class: "shot" }, image, ...(boxes || []).map(drawBox));
  return element("figure", { class: "still" }, shot, caption);
}

// Draws the curve of this clip into the element #chart, if there is one.
export function drawClipChart(clip) {
  const frames = data.frames[clip];
  if (!byId("chart") || !frames) return;
  drawChart(byId("chart"), {
    kind: data.kind[clip],
    times: frames.t,
    labels: data.labels,
    values: frames.p,
    detector: frames.b,
    marks: data.times[clip],
  });
}

function evidenceChart(clip) {
  const frames = data.frames[clip];
  const facts = element("dl", { class: "facts" }, ...clipFacts(clip).map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))
  ));
  if (frames && frames.t.length > 1) {
    const title = element("h4", {}, t("Each frame on its own, over time"));
    return element("div", {}, title, element("div", { id: "chart" }), facts);
  }
  let reason = t("Nothing could be decoded, so there is no evidence.");
  if (data.probs[clip]) {
    reason = frames
      ? t("Only one frame was classified.")
      : t("This report was made without the evidence of single frames.");
  }
  return element("div", {}, element("p", { class: "muted" }, reason), facts);
}

// Names and values; facts without a value are left out.
function clipFacts(clip) {
  const facts = [
    [t("File"), data.path[clip]],
    [t("Captured"), `${formatDay(data.captured[clip])} ${data.captured[clip].slice(11)}`.trim()],
    [t("Kind"), nameOf(data.kind[clip])],
    [t("Frames classified"), String(data.n_frames[clip])],
    [t("Rule"), `${nameOf(data.rule[clip])}: ${data.rules[data.rule[clip]] || ""}`],
    [t("Best times"), formatMoments(clip, data.times[clip])],
    [t("Detector"), detectorSummary(clip)],
    [t("Why incomplete"), data.reason[clip]],
    [t("Clip id"), data.clip_id[clip]],
  ];
  return facts.filter(([, value]) => value);
}

function detectorSummary(clip) {
  const frames = data.frames[clip];
  const scores = frames && frames.b ? frames.b.filter((score) => score !== null) : [];
  if (!scores.length) {
    return data.has_detector ? t("no result for this clip") : "";
  }
  const nFound = scores.filter((score) => score > 0).length;
  const best = formatNumber(Math.max(...scores) / 1000, 2);
  return t("found something in {n} of {total} frames, best score {best}", { n: nFound, total: scores.length, best });
}
