// The table of all clips: filter, sort, 100 rows at a time, and the evidence of a row. Names from the data only ever
// become text nodes, never markup.
"use strict";
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 100, N = D.clip_id.length, $ = (id) => document.getElementById(id);
  const SVG = document.querySelector("svg").namespaceURI;
  const SVG_TAGS = new Set(["svg", "path", "circle", "text", "title", "line", "g"]);
  const state = { page: 0, open: -1, view: [] };

  function h(tag, attributes, ...children) {
    const e = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {})) if (v !== null && v !== false) e.setAttribute(k, v);
    e.append(...children.filter((c) => c !== null && c !== ""));
    return e;
  }
  const colour = (name) => D.colours[name] || "var(--animal)";
  const dot = (name) => h("i", { class: "dot" + (name === "unsure" || name === "unreadable" ? " hollow" : ""), style: `--c:${colour(name)}` });
  const seconds = (t) => t === null ? "–" : t < 60 ? t.toFixed(1) + " s" : Math.floor(t / 60) + ":" + (t % 60).toFixed(1).padStart(4, "0") + " min";
  const suspicion = (i) => D.alert[i] && D.probs[i] ? D.probs[i][D.labels.findIndex((l) => l.name === D.alert[i])] : -1;

  // --- which rows, in which order ---

  function refresh() {
    const text = $("f-text").value.trim().toLowerCase(), alertOnly = $("f-alert").checked;
    const wanted = { decision: $("f-decision").value, site: $("f-site").value, status: $("f-status").value };
    state.view = [];
    for (let i = 0; i < N; i++) {
      if (text && !(D.path[i] + "\n" + D.site[i]).toLowerCase().includes(text)) continue;
      if (alertOnly && !D.alert[i]) continue;
      if (Object.entries(wanted).every(([k, v]) => !v || (v === "(none)" ? !D[k][i] : D[k][i] === v))) state.view.push(i);
    }
    sort($("f-sort").value);
    state.page = 0;
    draw();
  }
  function sort(key) {
    const down = key.startsWith("-"), name = down ? key.slice(1) : key;
    for (const th of document.querySelectorAll("th[data-sort]")) th.dataset.sort === name ? th.setAttribute("aria-sort", down ? "descending" : "ascending") : th.removeAttribute("aria-sort");
    if (name === "given") return;
    const value = name === "suspicion" ? (i) => -suspicion(i) : (i) => D[name][i];
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    state.view.sort((a, b) => {
      const x = value(a), y = value(b);
      if (x === y) return a - b;
      if (x === null || x === "") return 1;  // what is missing stands last in both directions
      if (y === null || y === "") return -1;
      const order = typeof x === "string" ? compare(x, y) : x - y;
      return (down ? -order : order) || a - b;
    });
  }

  // --- the page of rows ---

  function draw() {
    const first = state.page * PAGE, rows = state.view.slice(first, first + PAGE);
    $("rows").replaceChildren(...rows.flatMap((i) => i === state.open ? [row(i), detail(i)] : [row(i)]));
    if (!rows.length) $("rows").append(h("tr", {}, h("td", { colspan: 8, class: "nothing" }, N ? "No clip fits these filters." : "There are no clips in this run.")));
    const total = state.view.length, count = (n) => n.toLocaleString("en");
    $("shown").textContent = total ? `${count(first + 1)}–${count(first + rows.length)} of ${count(total)}` + (total < N ? ` (${count(N)} in all)` : "") : "";
    $("prev").disabled = first === 0;
    $("next").disabled = first + PAGE >= total;
    drawChart();
  }
  function row(i) {
    const slash = D.path[i].lastIndexOf("/") + 1, open = i === state.open;
    const picture = D.thumbs[i] ? h("img", { src: "data:image/jpeg;base64," + D.thumbs[i], alt: "", loading: "lazy" }) : null;
    const bad = D.status[i] !== "ok";
    const tr = h("tr", { class: "clip" + (open ? " open" : ""), tabindex: 0, "aria-expanded": open, id: "clip-" + D.clip_id[i] },
      h("td", { class: "pic" }, picture),
      h("td", { class: "file" }, h("b", {}, D.path[i].slice(slash)), h("small", {}, D.path[i].slice(0, slash))),
      h("td", { class: "site" }, D.site[i] || "–"),
      h("td", { class: "said" }, dot(D.decision[i]), D.decision[i], h("small", {}, D.rule[i] === "none" || D.rule[i] === D.decision[i] ? "" : D.rule[i].replace("_", " ")), D.alert[i] && D.alert[i] !== D.decision[i] ? h("span", { class: "alert" }, D.alert[i] + "? " + suspicion(i).toFixed(2)) : null),
      h("td", { class: "score num" }, D.score[i] === null ? "–" : D.score[i].toFixed(2)),
      h("td", { class: "probs" }, D.probs[i] ? stacked(D.probs[i]) : null),
      h("td", { class: "best num" }, seconds(D.best[i])),
      h("td", { class: "status" + (bad ? " bad-text" : "") }, bad ? D.status[i] : "ok"));
    tr.onclick = () => toggle(i);
    tr.onkeydown = (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); toggle(i); $("clip-" + D.clip_id[i]).focus(); } };
    return tr;
  }
  const stacked = (probs) => h("div", { class: "bar", title: D.labels.map((l, c) => `${l.name} ${probs[c].toFixed(2)}`).join("\n") },
    ...D.labels.map((l, c) => probs[c] >= 0.005 ? h("i", { style: `flex:${probs[c]};--c:${l.colour}` }) : null));
  function toggle(i) { state.open = state.open === i ? -1 : i; draw(); }

  // --- the evidence of one row ---

  function detail(i) {
    const facts = [["File", D.path[i]], ["Captured", D.captured[i]], ["Kind", D.kind[i]], ["Frames judged", String(D.n_frames[i])],
      ["Decided by", `${D.rule[i].replace("_", " ")}: ${D.rules[D.rule[i]] || ""}`], ["Strongest at", D.times[i].map(seconds).join(", ")],
      ["Why not whole", D.reason[i]], ["Clip id", D.clip_id[i]]].filter(([, v]) => v);
    const frames = D.frames[i], several = frames && frames[0].length > 1;
    const left = h("div", {},
      several ? h("h4", {}, "Each frame by itself, over time") : null,
      several ? h("div", { id: "chart" }) : h("p", { class: "muted" }, D.probs[i] ? (frames ? "One frame was judged." : "No frame-by-frame evidence was given to this report.") : "Nothing could be decoded, so there is no evidence."),
      h("dl", { class: "facts" }, ...facts.map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, v)))));
    const right = h("div", {}, D.thumbs[i] ? h("img", { src: "data:image/jpeg;base64," + D.thumbs[i], alt: "frame that speaks most for the decision" }) : null);
    if (D.probs[i]) right.append(h("h4", {}, "The clip as a whole"), h("div", { class: "plist" }, ...D.labels.flatMap((l, c) => [h("span", {}, dot(l.name), l.name), stackedOne(D.probs[i][c], l.colour), h("span", { class: "num" }, D.probs[i][c].toFixed(3))])));
    return h("tr", { class: "detail" }, h("td", { colspan: 8 }, h("div", { class: "evidence" }, left, right)));
  }
  const stackedOne = (p, c) => h("div", { class: "bar" }, h("i", { style: `flex:${p};--c:${c}` }), h("span", { style: `flex:${1 - p}` }));

  function drawChart() {
    const box = $("chart"), frames = D.frames[state.open];
    if (!box || !frames) return;
    const [times, ...probs] = frames, W = Math.max(260, box.clientWidth), H = 210, L = 34, R = 12, T = 14, B = 30;
    const t0 = Math.min(0, times[0]), t1 = Math.max(times[times.length - 1], t0 + 0.1);
    const x = (t) => L + (t - t0) / (t1 - t0) * (W - L - R), y = (p) => T + (1 - p) * (H - T - B);
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((s) => (t1 - t0) / s <= Math.max(3, W / 90)) || 1800;
    const parts = [];
    for (const p of [0, 0.5, 1]) parts.push(h("path", { class: "grid", d: `M${L} ${y(p)}H${W - R}` }), h("text", { x: L - 8, y: y(p) + 4, "text-anchor": "end" }, String(p)));
    for (let k = Math.ceil(t0 / step); k * step <= t1 + 1e-9; k++) parts.push(h("text", { x: x(k * step), y: H - 10, "text-anchor": "middle" }, +(k * step).toFixed(2) + " s"));
    for (const [n, t] of D.times[state.open].entries()) if (t >= t0 && t <= t1) parts.push(n === 0 ? h("line", { class: "mark-time", x1: x(t), x2: x(t), y1: T, y2: y(0) }) : null, h("path", { class: "flag", d: `M${x(t)} ${y(0) + 2}l4 6h-8z` }));
    D.labels.forEach((l, c) => {
      if (!probs.some((p) => p[c] >= 0.05)) return;
      parts.push(h("path", { class: "series", style: `stroke:${l.colour}`, d: times.map((t, n) => `${n ? "L" : "M"}${x(t).toFixed(1)} ${y(probs[n][c]).toFixed(1)}`).join("") }));
      times.forEach((t, n) => parts.push(h("circle", { cx: x(t), cy: y(probs[n][c]), r: 3, style: `fill:${l.colour}` }, h("title", {}, `${l.name} ${probs[n][c].toFixed(2)} at ${seconds(t)}`))));
    });
    box.replaceChildren(h("svg", { class: "chart", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "probability of each label over time" }, ...parts.filter(Boolean)));
  }

  // --- wiring ---

  function options(id, values) {
    const n = new Map();
    for (const v of values) n.set(v || "(none)", (n.get(v || "(none)") || 0) + 1);
    for (const v of [...n.keys()].sort(new Intl.Collator("en", { numeric: true }).compare)) $(id).append(h("option", { value: v }, `${v} (${n.get(v).toLocaleString("en")})`));
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
    state.open = i;
    refresh();
    state.page = Math.floor(state.view.indexOf(i) / PAGE);
    draw();
    $("clip-" + D.clip_id[i]).scrollIntoView({ block: "center" });
  }
  options("f-decision", D.decision); options("f-site", D.site); options("f-status", D.status);
  $("filters").addEventListener("input", refresh);
  $("filters").addEventListener("submit", (e) => e.preventDefault());
  $("prev").onclick = () => { state.page--; draw(); };
  $("next").onclick = () => { state.page++; draw(); $("clips").scrollIntoView(); };
  for (const th of document.querySelectorAll("th[data-sort]")) th.onclick = () => {
    const key = th.dataset.sort, value = th.getAttribute("aria-sort") === "ascending" ? "-" + key : key, select = $("f-sort");
    if (![...select.options].some((o) => o.value === value)) select.append(h("option", { value }, `${th.textContent.toLowerCase()}, from the end`));
    select.value = value;
    refresh();
  };
  for (const b of document.querySelectorAll("[data-filter]")) b.onclick = () => show({ "f-decision": b.dataset.filter });
  for (const b of document.querySelectorAll("[data-alerts]")) b.onclick = () => show({ "f-alert": true, "f-sort": "suspicion" });
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "dark" || asked === "light") document.documentElement.dataset.theme = asked;
  const label = () => { $("theme").textContent = dark() ? "Light" : "Dark"; };
  $("theme").hidden = false;
  $("theme").onclick = () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; label(); };
  addEventListener("hashchange", showHash);
  addEventListener("resize", drawChart);
  label(); refresh(); showHash();
})();
