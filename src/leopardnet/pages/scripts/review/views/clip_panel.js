// Beside the picture: what the model says, the labels to give, the note, the history, the facts.

import { byId, colourDot, element, formatSeconds } from "../../shared/elements.js";
import { likeliest, probabilityList } from "../../shared/picture.js";
import { formatProbability, nameOf, t } from "../../shared/language.js";

const MANY_LABELS = 6; // they stand in two columns

// The labels that a decision of the model stands for; none where it does not name any.
export function decisionLabels(labels, decision) {
  const names = (decision || "").split(" + ");
  return names.every((name) => labels.some((label) => label.name === name)) ? names : [];
}

export class ClipPanel {
  constructor(session, keys) {
    Object.assign(this, { session, keys });
    this.byName = new Map(session.labels.map((label) => [label.name, label]));
  }

  // Draws everything beside the picture. chosen: the labels that were chosen and are not saved yet.
  show(detail, chosen) {
    this.showAnswer(detail);
    this.showLabels(detail, chosen);
    this.showProbs(detail);
    byId("badges").replaceChildren(...this.badges(detail));
    const facts = this.facts(detail).filter(([, value]) => value);
    byId("facts").replaceChildren(...facts.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value))));
    byId("history").replaceChildren(...historyRows(detail.history));
  }

  showAnswer(detail) {
    const box = byId("answer");
    if (detail.is_blind) {
      const text = t("The model's answer is hidden here, so that your look is your own.");
      box.replaceChildren(...(this.session.model ? [element("p", { class: "blind" }, text)] : []));
      return;
    }
    const parts = [];
    if (detail.decision) {
      const score = typeof detail.score === "number" ? formatProbability(detail.score) : "";
      const owner = detail.decision === "unsure" ? this.nameLikeliest(detail) : "";
      const colour = this.byName.get(detail.decision)?.colour;
      parts.push(element("p", { class: "decision" }, colourDot(detail.decision, colour),
        element("b", {}, nameOf(detail.decision)), element("span", { class: "num muted" }, `${owner} ${score}`.trim())));
      const others = (detail.alerts || []).filter((name) => !detail.decision.split(" + ").includes(name));
      parts.push(...others.map((name) => element("span", { class: "alert" }, t("{label}?", { label: nameOf(name) }))));
    }
    if (detail.hint) parts.push(element("p", { class: "muted hint" }, detail.hint));
    box.replaceChildren(...parts);
  }

  nameLikeliest({ probs }) {
    const labels = this.session.labels.filter((label) => probs && label.name in probs);
    return labels.length ? nameOf(likeliest(labels, labels.map(({ name }) => probs[name]))) : "";
  }

  showProbs({ probs }) {
    const labels = this.session.labels.filter((label) => probs && label.name in probs);
    byId("probs").replaceChildren(...(labels.length ? [probabilityList(labels, labels.map(({ name }) => probs[name]))] : []));
  }

  showLabels(detail, chosen) {
    const given = new Set(detail.labels);
    const button = (action, title, name, colour) => element("button", {
      type: "button",
      class: "label" + (given.has(name) ? " given" : ""),
      "aria-pressed": String(chosen.has(name) || given.has(name)),
      "data-action": action,
      "data-label": name,
    }, colour ? colourDot(name, colour) : null, element("span", {}, title),
    chosen.has(name) ? element("b", { class: "tick", "aria-hidden": "true" }, "✓") : null,
    element("kbd", {}, this.keys.text(action)));
    const labels = this.session.labels.filter((label) => !label.is_empty)
      .concat([...chosen].filter((name) => name !== "unknown" && !this.session.labels.some((label) => label.name === name))
        .map((name) => ({ name, colour: "var(--animal)" }))) // typed, and not saved yet
      .map((label) => button(`label:${label.name}`, nameOf(label.name), label.name, label.colour));
    const empty = this.session.labels.find((label) => label.is_empty);
    byId("labels").classList.toggle("many", labels.length > MANY_LABELS);
    byId("labels").replaceChildren(
      ...(chosen.size || detail.decision ? [this.acceptButton(detail, chosen)] : []),
      ...labels,
      empty ? button("empty", nameOf(empty.name), empty.name, empty.colour) : "",
      button("unknown", nameOf("unknown"), "unknown", null),
    );
  }

  acceptButton(detail, chosen) {
    const names = chosen.size ? [...chosen] : detail.is_blind ? [] : decisionLabels(this.session.labels, detail.decision);
    const text = names.length ? namesOf(names) : t("no answer to accept");
    return element("button", { type: "button", class: "label main", "data-action": "accept", disabled: !names.length },
      element("span", {}, chosen.size ? t("Save: {labels}", { labels: text }) : text), element("kbd", {}, this.keys.text("accept")));
  }

  badges(detail) {
    const names = detail.labels.length ? [element("span", { class: "tag" }, t("you: {labels}", { labels: namesOf(detail.labels) }))] : [];
    if (detail.starred) names.push(element("span", { class: "tag", title: t("starred") }, "★"));
    if (detail.by_others) names.push(element("span", { class: "tag" }, t("labelled by others: {n}", { n: detail.by_others })));
    return names;
  }

  facts(detail) {
    const at = detail.event ? detail.event.indexOf(detail.clip_id) + 1 : 0;
    return [
      [t("Site"), detail.site],
      [t("Captured"), formatCapture(detail.captured)],
      [t("Event"), at && detail.event.length > 1 ? t("clip {n} of {total}", { n: at, total: detail.event.length }) : ""],
      [t("Length"), detail.duration_s ? formatSeconds(detail.duration_s) : ""],
      [t("File"), detail.path],
      [t("Why incomplete"), detail.reason],
    ];
  }
}

// The names of labels, joined.
export function namesOf(labels) {
  return labels.map(nameOf).join(" + ");
}

// A time as the camera showed it, in the way of the page's language. timeStyle: "short" leaves the seconds out.
export function formatCapture(captured, timeStyle = "medium") {
  if (!captured) return "";
  const moment = new Date(captured.replace(" ", "T"));
  if (Number.isNaN(moment.getTime())) return captured;
  const form = { dateStyle: "medium", timeStyle };
  return new Intl.DateTimeFormat(document.documentElement.lang || "en", form).format(moment);
}

function historyRows(history) {
  if (!history?.length) return [element("p", { class: "muted" }, t("Nobody has said anything about this clip yet."))];
  const rows = history.map((entry) => element("li", { class: entry.is_undone ? "undone" : null },
    element("b", {}, entry.by), " ",
    entry.labels?.length ? namesOf(entry.labels) : t("no label"),
    entry.note ? element("q", {}, entry.note) : null,
    element("small", {}, " " + [formatCapture(entry.at), entry.queue,
      entry.boxes ? t("boxes: {n}", { n: entry.boxes.length }) : "", entry.is_undone ? t("taken back") : ""].filter(Boolean).join(", "))));
  return [element("ol", { class: "history" }, ...rows)];
}
