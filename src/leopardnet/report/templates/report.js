// The table of all clips: filter, sort, 100 rows at a time, and the evidence of a row. Names from the data only ever
// become text nodes, never markup.
"use strict";
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 100, N = D.clip_id.length, $ = (id) => document.getElementById(id);
  const SVG = document.querySelector("svg").namespaceURI;
  const SVG_TAGS = new Set(["svg", "path", "circle", "rect", "text", "title", "line", "g"]);
  const HIDDEN = new Set(D.hidden), WITH_TRUTH = D.truth.some(Boolean), N_COLUMNS = WITH_TRUTH ? 9 : 8;
  const collate = new Intl.Collator("en", { numeric: true }).compare;
  const haystack = D.path.map((path, i) => `${path}\n${D.site[i]}\n${D.captured[i]}`.toLowerCase());
  const state = { page: 0, open: -1, at: -1, view: [] };

  function h(tag, attributes, ...children) {
    const e = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {})) if (v !== null && v !== false) e.setAttribute(k, v);
    e.append(...children.filter((c) => c !== null && c !== ""));
    return e;
  }
  const colour = (name) => D.colours[name] || "var(--animal)";
  const dot = (name) => h("i", { class: "dot" + (name === "unsure" || name === "unreadable" ? " hollow" : ""), style: `--c:${colour(name)}` });
  const seconds = (t) => t === null ? "–" : t < 60 ? t.toFixed(1) + " s" : Math.floor(t / 60) + ":" + (t % 60).toFixed(1).padStart(4, "0") + " min";
  // a still has no time, and still i of a burst is at i s
  const moment = (i, t) => D.kind[i] === "burst" ? "still " + (Math.round(t) + 1) : seconds(t);
  const moments = (i, times) => D.kind[i] === "still" ? "" : times.map((t) => moment(i, t)).join(", ");
  const suspicion = (i) => D.alert[i] && D.probs[i] ? D.probs[i][D.labels.findIndex((l) => l.name === D.alert[i])] : -1;
  const words = (rule) => rule.replace("_", " ");

  // --- which rows, in which order ---

  function refresh() {
    const text = $("f-text").value.trim().toLowerCase(), alertOnly = $("f-alert").checked;
    const wanted = ["decision", "site", "status", "verdict"].flatMap((k) => $("f-" + k) && $("f-" + k).value ? [[D[k], $("f-" + k).value]] : []);
    state.view = [];
    for (let i = 0; i < N; i++) {
      if (text && !haystack[i].includes(text)) continue;
      if (alertOnly && !D.alert[i]) continue;
      if (wanted.every(([column, v]) => v === "(none)" ? !column[i] : column[i] === v)) state.view.push(i);
    }
    sort($("f-sort").value);
    state.page = 0;
    draw();
  }
  function sort(key) {
    const down = key.startsWith("-"), name = down ? key.slice(1) : key;
    for (const th of document.querySelectorAll("th[data-sort]")) th.dataset.sort === name ? th.setAttribute("aria-sort", down ? "descending" : "ascending") : th.removeAttribute("aria-sort");
    if (name === "given") return;
    const value = { suspicion: (i) => -suspicion(i), top: (i) => D.probs[i] && Math.max(...D.probs[i]) }[name] || ((i) => D[name][i]);
    const keys = new Map(state.view.map((i) => [i, value(i)]));
    state.view.sort((a, b) => {
      const x = keys.get(a), y = keys.get(b);
      if (x === y) return a - b;
      if (x === null || x === "") return 1;  // what is missing stands last in both directions
      if (y === null || y === "") return -1;
      const order = typeof x === "string" ? collate(x, y) : x - y;
      return (down ? -order : order) || a - b;
    });
  }

  // --- the page of rows ---

  function draw() {
    const first = state.page * PAGE, rows = state.view.slice(first, first + PAGE);
    $("rows").replaceChildren(...rows.flatMap((i) => i === state.open ? [row(i), detail(i)] : [row(i)]));
    if (!rows.length) $("rows").append(h("tr", {}, h("td", { colspan: N_COLUMNS, class: "nothing" }, N ? "No clip fits these filters." : "There are no clips in this run.")));
    const total = state.view.length, count = (n) => n.toLocaleString("en");
    $("shown").textContent = total ? `${count(first + 1)}–${count(first + rows.length)} of ${count(total)}` + (total < N ? ` (${count(N)} in all)` : "") : "";
    $("prev").disabled = first === 0;
    $("next").disabled = first + PAGE >= total;
    drawChart();
  }
  function row(i) {
    const slash = D.path[i].lastIndexOf("/") + 1, open = i === state.open;
    const picture = D.thumbs[i] ? h("img", { src: "data:image/jpeg;base64," + D.thumbs[i], alt: "", loading: "lazy" }) : null;
    const why = D.rule[i] === "none" || D.rule[i] === D.decision[i] ? "" : words(D.rule[i]);
    const tr = h("tr", { class: "clip" + (open ? " open" : ""), tabindex: 0, "aria-expanded": open, id: "clip-" + D.clip_id[i] },
      h("td", { class: "pic" }, picture),
      h("td", { class: "file" }, h("b", {}, D.path[i].slice(slash)), h("small", {}, D.path[i].slice(0, slash))),
      h("td", { class: "captured" }, D.captured[i].slice(0, 10) || "–", h("small", {}, D.captured[i].slice(11))),
      h("td", { class: "site" }, D.site[i] || "–"),
      h("td", { class: "said" }, dot(D.decision[i]), D.decision[i], h("small", {}, why),
        D.alert[i] && D.alert[i] !== D.decision[i] ? h("span", { class: "alert" }, D.alert[i] + "? " + suspicion(i).toFixed(2)) : null,
        D.status[i] === "partial" ? h("small", { class: "bad-text" }, "read in part") : null),
      h("td", { class: "score num" }, D.score[i] === null ? "–" : D.score[i].toFixed(2)),
      h("td", { class: "probs" }, D.probs[i] ? stacked(D.probs[i]) : null),
      h("td", { class: "best num" }, moments(i, D.best[i] === null ? [] : [D.best[i]]) || "–"),
      WITH_TRUTH ? h("td", { class: "truth " + D.verdict[i] }, D.truth[i] ? dot(D.truth[i]) : null, D.truth[i] || "–", h("small", {}, D.verdict[i] === "right" ? "" : D.verdict[i])) : null);
    tr.onclick = () => toggle(i);
    return tr;
  }
  const stacked = (probs) => h("div", { class: "bar", title: D.labels.map((l, c) => `${l.name} ${probs[c].toFixed(2)}`).join("\n") },
    ...D.labels.map((l, c) => probs[c] >= 0.005 ? h("i", { style: `flex:${probs[c]};--c:${l.colour}` }) : null));
  function toggle(i) { state.open = state.open === i ? -1 : i; state.at = i; draw(); focusRow(i); }
  function focusRow(i) { const tr = $("clip-" + D.clip_id[i]); if (tr) tr.focus({ preventScroll: true }); return tr; }

  // Walks by one row, over the edges of pages too; where a row is open, the next one opens.
  function walk(by) {
    const to = state.view.indexOf(state.at) + by;
    if (to < 0 || to >= state.view.length) return;
    state.at = state.view[to];
    const open = state.open < 0 ? -1 : state.at, page = Math.floor(to / PAGE);
    if (open !== state.open || page !== state.page) { state.open = open; state.page = page; draw(); }
    focusRow(state.at).scrollIntoView({ block: open < 0 ? "nearest" : "start" });
  }

  // --- the evidence of one row ---

  function detail(i) {
    const facts = [["File", D.path[i]], ["Captured", D.captured[i]], ["Kind", D.kind[i]], ["Frames judged", String(D.n_frames[i])],
      ["Decided by", `${words(D.rule[i])}: ${D.rules[D.rule[i]] || ""}`], ["Strongest at", moments(i, D.times[i])], ["Detector", detector(i)],
      ["Why not whole", D.reason[i]], ["Clip id", D.clip_id[i]]].filter(([, v]) => v);
    const frames = D.frames[i], several = frames && frames.t.length > 1;
    const left = h("div", {}, picture(i),
      D.probs[i] ? h("h4", {}, "The clip as a whole") : null,
      D.probs[i] ? h("div", { class: "plist" }, ...D.labels.flatMap((l, c) => [h("span", {}, dot(l.name), l.name), stackedOne(D.probs[i][c], l.colour), h("span", { class: "num" }, D.probs[i][c].toFixed(3))])) : null);
    const right = h("div", {},
      several ? h("h4", {}, "Each frame by itself, over time") : null,
      several ? h("div", { id: "chart" }) : h("p", { class: "muted" }, D.probs[i] ? (frames ? "One frame was judged." : "No frame-by-frame evidence was given to this report.") : "Nothing could be decoded, so there is no evidence."),
      h("dl", { class: "facts" }, ...facts.map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, v)))));
    return h("tr", { class: "detail" }, h("td", { colspan: N_COLUMNS }, h("div", { class: "evidence" }, left, right)));
  }
  const stackedOne = (p, c) => h("div", { class: "bar" }, h("i", { style: `flex:${p};--c:${c}` }), h("span", { style: `flex:${1 - p}` }));
  function picture(i) {
    if (HIDDEN.has(i)) return h("p", { class: "muted" }, "The picture is left out: a person or a vehicle.");
    if (!D.thumbs[i]) return null;
    const img = h("img", { src: "data:image/jpeg;base64," + D.thumbs[i], alt: "the frame that speaks most for the decision" });
    const boxes = D.boxes[i] || [];
    const when = D.kind[i] === "still" ? "The still" : `The strongest frame, ${moment(i, D.best[i])}`;
    const found = !D.boxes[i] ? "" : !boxes.length ? "; the detector found nothing on it" : "";
    const caption = h("figcaption", {}, when + found + ".");
    img.onload = () => { if (Math.min(img.naturalWidth, img.naturalHeight) < 100) caption.append(" A small picture; the clip itself shows more."); };
    return h("figure", { class: "still" }, h("div", { class: "shot" }, img, ...boxes.map(box)), caption);
  }
  function box([x0, y0, x1, y1, score], n) {
    const percent = (v) => (100 * v).toFixed(2) + "%";
    return h("i", { class: "box" + (y0 < 0.12 ? " low" : "") + (n ? " more" : ""), style: `left:${percent(x0)};top:${percent(y0)};width:${percent(x1 - x0)};height:${percent(y1 - y0)}` },
      score === null ? null : h("b", {}, score.toFixed(2)));
  }
  function detector(i) {
    const looked = D.frames[i] && D.frames[i].b ? D.frames[i].b.filter((b) => b !== null) : [];
    return looked.length ? `${looked.filter((b) => b > 0).length} of ${looked.length} frames with a find, the best ${(Math.max(...looked) / 1000).toFixed(2)}` : "";
  }

  function drawChart() {
    const box = $("chart"), frames = D.frames[state.open];
    if (!box || !frames) return;
    const times = frames.t, W = Math.max(260, box.clientWidth), H = 210, L = 34, R = 12, T = 14, B = 30;
    const t0 = Math.min(0, times[0]), t1 = Math.max(times[times.length - 1], t0 + 0.1);
    const x = (t) => L + (t - t0) / (t1 - t0) * (W - L - R), y = (p) => T + (1 - p) * (H - T - B);
    const step = D.kind[state.open] === "burst" ? 1 : [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((s) => (t1 - t0) / s <= Math.max(3, W / 90)) || 1800;
    const parts = [];
    for (const p of [0, 0.5, 1]) parts.push(h("path", { class: "grid", d: `M${L} ${y(p)}H${W - R}` }), h("text", { x: L - 8, y: y(p) + 4, "text-anchor": "end" }, String(p)));
    for (let k = Math.ceil(t0 / step); k * step <= t1 + 1e-9; k++) parts.push(h("text", { x: x(k * step), y: H - 10, "text-anchor": "middle" }, D.kind[state.open] === "burst" ? moment(state.open, k) : +(k * step).toFixed(2) + " s"));
    for (const [n, t] of D.times[state.open].entries()) if (t >= t0 && t <= t1) parts.push(n === 0 ? h("line", { class: "mark-time", x1: x(t), x2: x(t), y1: T, y2: y(0) }) : null, h("path", { class: "flag", d: `M${x(t)} ${y(0) + 2}l4 6h-8z` }));
    const series = D.labels.map((l, c) => ({ name: l.name, style: l.colour, values: frames.p[c], cls: "series" })).filter((s) => s.values && Math.max(...s.values) >= 50);
    if (frames.b) series.push({ name: "detector", style: "var(--ink)", values: frames.b, cls: "series detector" });
    for (const s of series) {
      const seen = times.map((t, n) => [t, s.values[n]]).filter(([, v]) => v !== null).map(([t, v]) => [t, v / 1000]);
      parts.push(h("path", { class: s.cls, style: `stroke:${s.style}`, d: seen.map(([t, p], n) => `${n ? "L" : "M"}${x(t).toFixed(1)} ${y(p).toFixed(1)}`).join("") }));
      for (const [t, p] of seen) parts.push(h("circle", { cx: x(t), cy: y(p), r: times.length > 60 ? 1.8 : 3, style: `fill:${s.style}` }, h("title", {}, `${s.name} ${p.toFixed(2)} at ${moment(state.open, t)}`)));
    }
    const legend = h("ul", { class: "legend flat" }, ...series.map((s) => h("li", {}, h("i", { class: "dot", style: `--c:${s.style}` }), s.name)));
    box.replaceChildren(h("svg", { class: "chart", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "probability of each label over time" }, ...parts.filter(Boolean)), legend);
  }

  // --- wiring ---

  function options(id, values) {
    if (!$(id)) return;
    const n = new Map();
    for (const v of values) n.set(v || "(none)", (n.get(v || "(none)") || 0) + 1);
    for (const v of [...n.keys()].sort(collate)) $(id).append(h("option", { value: v }, `${v} (${n.get(v).toLocaleString("en")})`));
  }
  function show(filters) {
    $("filters").reset();
    for (const [id, v] of Object.entries(filters)) id === "f-alert" ? $(id).checked = v : $(id).value = v;
    refresh();
    $("clips").scrollIntoView();
  }
  function showHash() {
    const i = D.clip_id.indexOf(location.hash.replace("#clip-", ""));
    if (i < 0) return;
    $("filters").reset();
    state.open = state.at = i;
    refresh();
    state.page = Math.floor(state.view.indexOf(i) / PAGE);
    draw();
    focusRow(i).scrollIntoView({ block: "start" });
  }
  function onKey(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, select")) return;
    const onRow = e.target.classList.contains("clip"), i = state.view.find((k) => "clip-" + D.clip_id[k] === e.target.id);
    if (onRow) state.at = i;
    const act = { j: () => walk(1), k: () => walk(-1), ArrowDown: onRow && (() => walk(1)), ArrowUp: onRow && (() => walk(-1)),
      Enter: onRow && (() => toggle(i)), " ": onRow && (() => toggle(i)), Escape: state.open >= 0 && (() => toggle(state.open)), "/": () => $("f-text").focus() }[e.key];
    if (act) { e.preventDefault(); act(); }
  }
  options("f-decision", D.decision); options("f-site", D.site); options("f-status", D.status); options("f-verdict", D.verdict);
  $("f-text").addEventListener("input", refresh);
  // not for the search: it changes when it is left, and the row that was clicked meanwhile would be drawn anew
  $("filters").addEventListener("change", (e) => { if (e.target.id !== "f-text") refresh(); });
  $("filters").addEventListener("submit", (e) => e.preventDefault());
  $("prev").onclick = () => { state.page--; draw(); };
  $("next").onclick = () => { state.page++; draw(); $("clips").scrollIntoView(); };
  for (const th of document.querySelectorAll("th[data-sort]")) th.onclick = () => {
    const key = th.dataset.sort, value = th.getAttribute("aria-sort") === "ascending" ? "-" + key : key, select = $("f-sort");
    if (![...select.options].some((o) => o.value === value)) select.append(h("option", { value }, th.textContent.toLowerCase() + (value === key ? "" : ", from the end")));
    select.value = value;
    refresh();
  };
  for (const b of document.querySelectorAll("[data-filter]")) b.onclick = () => show({ "f-decision": b.dataset.filter });
  for (const b of document.querySelectorAll("[data-alerts]")) b.onclick = () => show({ "f-alert": true, "f-sort": "suspicion" });
  for (const b of document.querySelectorAll("[data-unsure]")) b.onclick = () => show({ "f-sort": "top" });
  for (const b of document.querySelectorAll("[data-wrong]")) b.onclick = () => show({ "f-verdict": "wrong", "f-sort": "-score" });
  // a card that was followed before changes no address
  for (const a of document.querySelectorAll("a.card")) a.addEventListener("click", () => { if (a.hash === location.hash) setTimeout(showHash); });
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "dark" || asked === "light") document.documentElement.dataset.theme = asked;
  const label = () => { $("theme").textContent = dark() ? "Light" : "Dark"; };
  $("theme").hidden = false;
  $("theme").onclick = () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; label(); };
  addEventListener("keydown", onKey);
  addEventListener("hashchange", showHash);
  addEventListener("resize", drawChart);
  label(); refresh(); showHash();
})();
