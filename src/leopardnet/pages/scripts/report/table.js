// The table of all clips: filters, order, pages of rows, keyboard. At the end, the parts are connected and started.

import { byId, element } from "../shared/elements.js";
import { formatDay, formatNumber, nameOf, t } from "../shared/language.js";
import {
  compareText, data, formatMoments, formatProbability, hasTruth, labelDot, nClips, pictureSource,
} from "./data.js";
import { drawClipChart, evidenceRow } from "./evidence.js";
import { loadList, reportMissingList, withDetails } from "./files.js";

const ROWS_PER_PAGE = 100;
const NUMBERS = new Set(["given", "suspicion", "top", "score", "best"]);
const MIN_SHARE = 0.005; // a smaller probability has no part in the bar of a row
const N_COLUMNS = hasTruth ? 9 : 8;
let searchTexts = null; // of all clips, from the first search on
const textOrders = new Map(); // by column: the place of each of its texts

// view: the clips that match the filters, in order. open: the clip whose evidence is shown. current: the clip that the
// keyboard is at. Both are -1 for none. page: counted from 0. nDrawn: how often the table was drawn.
const state = { view: [...data.clip_id.keys()], page: 0, open: -1, current: -1, nDrawn: 0 };

// Whether all clips are there, as a promise; null where the page holds them. Until then, only the first are shown.
const whole = data.files ? loadList() : null;
let isLoading = whole !== null;

// --- which clips, in which order ---

function refresh() {
  findClips();
  state.page = 0;
  drawTable();
}

function findClips() {
  const text = byId("f-text").value.trim().toLowerCase();
  if (text && !searchTexts) searchTexts = data.path.map(searchText);
  const suspected = byId("f-alert").value;
  const wanted = ["decision", "site", "status", "verdict"]
    .filter((column) => byId("f-" + column) && byId("f-" + column).value)
    .map((column) => ({ values: data[column], value: byId("f-" + column).value }));
  state.view = [];
  for (let clip = 0; clip < data.clip_id.length; clip++) {
    if (text && !searchTexts[clip].includes(text)) continue;
    if (suspected && !isSuspected(clip, suspected)) continue;
    const matches = ({ values, value }) => value === "(none)" ? !values[clip] : values[clip] === value;
    if (wanted.every(matches)) state.view.push(clip);
  }
  sortView(byId("f-sort").value);
}

function searchText(path, clip) {
  const captured = data.captured[clip];
  return `${path}\n${data.site[clip]}\n${captured}\n${formatDay(captured)}`.toLowerCase();
}

function isSuspected(clip, target) {
  return target === "(any)" ? data.alerts[clip].length > 0 : data.alerts[clip].includes(target);
}

// Sorts the view by a column, from its end where the key begins with "-". Clips without a value come last both ways.
function sortView(key) {
  const descending = key.startsWith("-");
  const column = descending ? key.slice(1) : key;
  for (const header of document.querySelectorAll("th[data-sort]")) {
    if (header.dataset.sort === column) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else header.removeAttribute("aria-sort");
  }
  const values = sortValues(column);
  state.view.sort((first, second) => {
    const a = values(first);
    const b = values(second);
    if (a === b) return first - second;
    if (a === null) return 1;
    if (b === null) return -1;
    return (descending ? b - a : a - b) || first - second;
  });
}

// A function from a clip to its value in this column, a number or null.
function sortValues(column) {
  if (column === "path") return (clip) => data.place[clip];
  const values = data[column];
  if (NUMBERS.has(column)) return (clip) => values[clip];
  if (!textOrders.has(column)) {
    const texts = [...new Set(values)].filter(Boolean).sort(column === "captured" ? undefined : compareText);
    textOrders.set(column, new Map(texts.map((text, place) => [text, place])));
  }
  const places = textOrders.get(column);
  return (clip) => places.get(values[clip]) ?? null;
}

// --- the rows of a page ---

// Draws the page of the table that state says, and calls `then` afterwards; unless it is drawn anew before it is there.
function drawTable(then = () => {}) {
  const first = state.page * ROWS_PER_PAGE;
  const clips = state.view.slice(first, first + ROWS_PER_PAGE);
  const drawing = ++state.nDrawn;
  byId("table").setAttribute("aria-busy", true);
  withDetails(clips, () => {
    if (drawing !== state.nDrawn) return;
    const rows = clips.flatMap((clip) =>
      clip === state.open ? [clipRow(clip), evidenceRow(clip, N_COLUMNS)] : [clipRow(clip)]
    );
    byId("rows").replaceChildren(...(rows.length ? rows : [emptyRow()]));
    byId("shown").textContent = describeRange(first, clips.length, state.view.length);
    byId("prev").disabled = first === 0;
    byId("next").disabled = first + ROWS_PER_PAGE >= state.view.length;
    byId("table").setAttribute("aria-busy", isLoading);
    drawClipChart(state.open);
    then();
  });
}

function emptyRow() {
  const text = nClips ? t("No clip matches these filters.") : t("There are no clips in this run.");
  return element("tr", {}, element("td", { colspan: N_COLUMNS, class: "nothing" }, text));
}

function describeRange(first, nRows, nFound) {
  if (!nFound) return "";
  if (isLoading) return t("loading the list of all clips …");
  const [from, to, n, total] = [first + 1, first + nRows, nFound, nClips].map((count) => formatNumber(count));
  const range = t("{from}–{to} of {n}", { from, to, n });
  return nFound < nClips ? `${range} (${t("{total} in all", { total })})` : range;
}

function clipRow(clip) {
  const isOpen = clip === state.open;
  const attributes = {
    class: "clip" + (isOpen ? " open" : ""),
    tabindex: 0,
    "aria-expanded": isOpen,
    id: "clip-" + data.clip_id[clip],
  };
  const path = data.path[clip];
  const nameStart = path.lastIndexOf("/") + 1;
  const captured = data.captured[clip];
  const score = data.score[clip];
  const image = data.thumbs[clip] ? element("img", { src: pictureSource(clip), alt: "", loading: "lazy" }) : null;
  const best = data.best[clip] === null ? [] : [data.best[clip]];
  const row = element("tr", attributes,
    element("td", { class: "pic" }, image),
    element("td", { class: "file" },
      element("b", {}, path.slice(nameStart)), element("small", {}, path.slice(0, nameStart))),
    element("td", { class: "captured" }, formatDay(captured) || "–", element("small", {}, captured.slice(11))),
    element("td", { class: "site" }, data.site[clip] || "–"),
    decisionCell(clip),
    element("td", { class: "score num" }, score === null ? "–" : formatNumber(score, 2)),
    element("td", { class: "probs" }, data.probs[clip] ? probabilityBars(data.probs[clip]) : null),
    element("td", { class: "best num" }, formatMoments(clip, best) || "–"),
    hasTruth ? truthCell(clip) : null);
  row.onclick = () => toggle(clip);
  return row;
}

function decisionCell(clip) {
  const [decision, rule] = [data.decision[clip], data.rule[clip]];
  const reason = rule === "none" || rule === decision ? "" : nameOf(rule);
  const suspected = data.alerts[clip].filter((name) => !decision.split(" + ").includes(name));
  return element("td", { class: "decision" },
    labelDot(decision),
    nameOf(decision),
    element("small", {}, reason),
    ...suspected.map((name) =>
      element("span", { class: "alert" }, `${nameOf(name)}? ${formatProbability(clip, name)}`)),
    data.status[clip] === "partial" ? element("small", { class: "bad-text" }, t("read in part")) : null);
}

function truthCell(clip) {
  const [truth, verdict] = [data.truth[clip], data.verdict[clip]];
  return element("td", { class: "truth " + verdict, "data-name": t("label:") },
    truth ? labelDot(truth) : null,
    nameOf(truth) || "–",
    element("small", {}, verdict === "right" ? "" : nameOf(verdict)));
}

// Shares of one bar; independent labels have a bar of equal length each, filled up to the probability.
function probabilityBars(probs) {
  const title = data.labels.map((label, n) => `${nameOf(label.name)} ${formatNumber(probs[n], 2)}`).join("\n");
  const bars = data.labels.map((label, n) =>
    data.multi
      ? element("i", { class: "part", style: `--c:${label.colour};--p:${(100 * probs[n]).toFixed(0)}%` })
      : probs[n] >= MIN_SHARE ? element("i", { style: `flex:${probs[n]};--c:${label.colour}` }) : null
  );
  return element("div", { class: "bar", title }, ...bars);
}

// --- moving through the rows ---

function toggle(clip) {
  state.open = state.open === clip ? -1 : clip;
  state.current = clip;
  drawTable(() => focusRow(clip));
}

function focusRow(clip) {
  const row = byId("clip-" + data.clip_id[clip]);
  if (row) row.focus({ preventScroll: true });
  return row;
}

// Moves by one row, across pages if need be. If a clip is open, the clip that is reached opens in its place.
function moveBy(by) {
  const target = state.view.indexOf(state.current) + by;
  if (target < 0 || target >= state.view.length) return;
  state.current = state.view[target];
  const open = state.open < 0 ? -1 : state.current;
  const page = Math.floor(target / ROWS_PER_PAGE);
  const show = () => focusRow(state.current).scrollIntoView({ block: open < 0 ? "nearest" : "start" });
  if (open === state.open && page === state.page) return show();
  state.open = open;
  state.page = page;
  drawTable(show);
}

function turnPage(by) {
  const last = Math.ceil(state.view.length / ROWS_PER_PAGE) - 1;
  state.page = Math.max(0, Math.min(state.page + by, last));
  drawTable();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
  const onRow = event.target.classList.contains("clip");
  if (onRow) state.current = state.view.find((clip) => "clip-" + data.clip_id[clip] === event.target.id);
  const toggleCurrent = onRow && (() => toggle(state.current));
  const action = {
    j: () => moveBy(1),
    k: () => moveBy(-1),
    ArrowDown: onRow && (() => moveBy(1)),
    ArrowUp: onRow && (() => moveBy(-1)),
    Enter: toggleCurrent,
    " ": toggleCurrent,
    Escape: state.open >= 0 && (() => toggle(state.open)),
    "/": () => byId("f-text").focus(),
  }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

// --- filters, headers, and links to rows ---

function fillFilter(id, values) {
  if (!byId(id)) return;
  const counts = new Map();
  for (const value of values) counts.set(value || "(none)", (counts.get(value || "(none)") || 0) + 1);
  for (const value of [...counts.keys()].sort(compareText)) {
    const name = value === "(none)" ? t("(none)") : id === "f-site" ? value : nameOf(value);
    byId(id).append(element("option", { value }, `${name} (${formatNumber(counts.get(value))})`));
  }
}

// Calls `action` when all clips are there; where they cannot be had, shows the notice that says why.
function whenWhole(action) {
  if (!whole) return action();
  whole.then((isWhole) => isWhole ? action() : byId("broken").scrollIntoView());
}

// Resets the filters, sets these, and goes to the table.
function showFiltered(filters) {
  byId("filters").reset();
  for (const [id, value] of Object.entries(filters)) byId(id).value = value;
  refresh();
  byId("clips").scrollIntoView();
}

// Opens the clip that the address of the page names, if it names one.
function showLinkedClip() {
  const clip = data.clip_id.indexOf(location.hash.replace("#clip-", ""));
  if (clip < 0) {
    if (location.hash.startsWith("#clip-") && !isLoading) whenWhole(() => {});
    return;
  }
  byId("filters").reset();
  state.open = state.current = clip;
  findClips();
  state.page = Math.floor(state.view.indexOf(clip) / ROWS_PER_PAGE);
  drawTable(() => focusRow(clip).scrollIntoView({ block: "start" }));
}

// Sorts by the column of this header, backwards the second time. The list of orders gets an entry where it has none.
function sortByHeader(header) {
  const column = header.dataset.sort;
  const value = header.getAttribute("aria-sort") === "ascending" ? "-" + column : column;
  const select = byId("f-sort");
  if (![...select.options].some((option) => option.value === value)) {
    const title = header.textContent.toLowerCase();
    const name = value === column ? title : t("{column}, from the end", { column: title });
    select.append(element("option", { value }, name));
  }
  select.value = value;
  refresh();
}

function onClickOfEach(selector, action) {
  for (const target of document.querySelectorAll(selector)) target.addEventListener("click", () => action(target));
}

// --- light and dark ---

function isDark() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  return (document.documentElement.dataset.theme || system) === "dark";
}

function labelThemeButton() {
  byId("theme").textContent = isDark() ? t("Light") : t("Dark");
}

function switchTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  labelThemeButton();
}

// --- connect and start ---

function start() {
  for (const column of ["decision", "site", "status", "verdict"]) fillFilter("f-" + column, data[column]);
  refresh();
  showLinkedClip();
}

// Shows the first clips, locks what needs all of them, and starts when they are there.
async function startFromFiles() {
  const controls = [...document.querySelectorAll("#filters input, #filters select, th[data-sort] button")];
  for (const control of controls) control.disabled = true;
  drawTable();
  showLinkedClip();
  const isWhole = await whole;
  isLoading = false;
  if (isWhole) {
    for (const control of controls) control.disabled = false;
    start();
  } else {
    reportMissingList();
    drawTable();
  }
}

byId("f-text").addEventListener("input", refresh);
byId("filters").addEventListener("change", (event) => {
  // The search box changes when it loses the focus. Drawing the rows then would take away the row that was clicked.
  if (event.target.id !== "f-text") refresh();
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("prev").addEventListener("click", () => turnPage(-1));
byId("next").addEventListener("click", () => {
  turnPage(1);
  byId("clips").scrollIntoView();
});

function onClickFilter(selector, filters) {
  onClickOfEach(selector, (button) => whenWhole(() => showFiltered(filters(button))));
}

onClickOfEach("th[data-sort]", (header) => whenWhole(() => sortByHeader(header)));
onClickFilter("[data-filter]", (button) => ({ "f-decision": button.dataset.filter }));
onClickFilter("[data-alerts]", () => ({ "f-alert": "(any)", "f-sort": "-suspicion" }));
onClickFilter("[data-unsure]", () => ({ "f-sort": "top" }));
onClickFilter("[data-wrong]", () => ({ "f-verdict": "wrong", "f-sort": "-score" }));
onClickOfEach("a.card", (card) => {
  // Following the same card again does not change the address, so the page is not told.
  if (card.hash === location.hash) setTimeout(showLinkedClip);
});

const askedTheme = new URLSearchParams(location.search).get("theme");
if (askedTheme === "dark" || askedTheme === "light") document.documentElement.dataset.theme = askedTheme;
byId("theme").hidden = false;
byId("theme").addEventListener("click", switchTheme);

addEventListener("keydown", onKey);
addEventListener("hashchange", showLinkedClip);
addEventListener("resize", () => drawClipChart(state.open));
labelThemeButton();
if (whole) startFromFiles();
else start();
