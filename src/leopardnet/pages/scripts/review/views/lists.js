// The lists of clips with their counts, and the filters.

import { byId, element } from "../../shared/elements.js";
import { formatNumber, nameOf, t } from "../../shared/language.js";
import { getJson } from "../api.js";

const ASK_AGAIN_MS = 700;
const LISTS = {
  suspected: [t("Suspected targets"), t("Clips in which the model sees or suspects what you look for, the likeliest first.")],
  sounds: [t("Sounds"), t("Clips with something on the sound track, the likeliest call first. A sound never names an animal.")],
  unsure: [t("Least sure"), t("Clips of which the model is least sure; those with a call on the sound track first.")],
  plan: [t("Where it matters"), t("Clips that decide which species is recorded at which site in which week.")],
  lookalikes: [t("Look-alikes"), t("Clips that look alike and got different answers.")],
  same_box: [t("The same spot"), t("A find at the same place of one camera again and again: one look for all, in the grid.")],
  cameras: [t("Cameras"), t("A clip of each camera with which something seems wrong, and what: a gap, dark nights, a clock.")],
  unreadable: [t("Unreadable"), t("Files that could not be read.")],
  empties: [t("Empties"), t("Clips in which the model sees nothing, drawn at random.")],
  audit: [t("Random audit"), t("One clip in ten, at random, the model's answer hidden. Promises rest on these.")],
  second_opinion: [t("Second opinion"), t("Clips that somebody else has labelled, or that two people call differently.")],
  label_errors: [t("Doubtful labels"), t("Labels that a model which had not seen them contradicts.")],
  hunt: [t("Hunt"), t("What most resembles the target comes first; the order learns from every label.")],
  centres: [t("Typical clips"), t("One clip from the middle of each group of look-alikes: label these first to teach a model.")],
  groups: [t("Groups"), t("Clips that look alike stand together, the largest group first: label whole groups in the grid.")],
  all: [t("All clips"), t("Every clip, in the order of time.")],
};

const LABELLED_LOOKALIKES = t("Labels that most clips which look alike contradict. There are none before eight clips have a label.");

export function listTitle(id) {
  return LISTS[id]?.[0] || id;
}

export class Lists {
  // onChoose(id), onFilter(filters): called when the person chooses.
  constructor(session, onChoose, onFilter) {
    Object.assign(this, { session, onChoose, onFilter });
    this.form = byId("filters");
    this.isHunt = session.mode === "hunt";
    this.fillChoices();
    // Whoever chooses with the mouse goes on with the keys of the page; Tab and arrows stay in the form.
    for (const kind of ["mousedown", "keydown"]) {
      this.form.addEventListener(kind, () => {
        this.usesMouse = kind === "mousedown";
      });
    }
    this.form.addEventListener("change", () => {
      if (this.usesMouse) document.activeElement.blur();
      onFilter(this.read());
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", () => setTimeout(() => onFilter(this.read())));
    byId("open-lists").addEventListener("click", () => this.unfold(!byId("lists").classList.contains("open")));
  }

  // Draws the lists with what is done, and the heading of the current one.
  show(current) {
    const items = this.session.queues.map(({ id, n_total, n_done }) => element("li", {}, element("button", {
      type: "button",
      "aria-current": id === current ? "true" : null,
      "data-queue": id,
      class: stateOf({ n_total, n_done }),
      onclick: () => this.onChoose(id),
    }, element("span", {}, listTitle(id)), element("span", { class: "num" }, countText(n_done, n_total)))));
    const hasFocus = byId("queues").contains(document.activeElement);
    byId("queues").replaceChildren(...items);
    if (hasFocus) byId("queues").querySelector("[aria-current]")?.focus();
    byId("queue-title").textContent = listTitle(current);
    byId("queue-note").textContent = this.isHunt && current === "lookalikes" ? LABELLED_LOOKALIKES : LISTS[current]?.[1] || "";
  }

  // Asks how much of each list is done by now. current(): the list that is open when the answer is there.
  async refresh(current) {
    const { queues, promise } = await getJson("/api/session");
    Object.assign(this.session, { queues, promise });
    this.show(current().id);
    this.showProgress(current());
  }

  // Notes how many clips of each list are done. done: number by list.
  noteDone(done) {
    for (const queue of this.session.queues) {
      queue.n_done = done[queue.id] ?? queue.n_done;
      const button = byId("queues").querySelector(`[data-queue="${queue.id}"]`);
      if (!button) continue; // this list is not drawn yet
      button.className = stateOf(queue);
      button.querySelector(".num").textContent = countText(queue.n_done, queue.n_total);
    }
  }

  // Asks again while a list is still being found, beside the page.
  async awaitAll(current) {
    while (this.session.queues.some((queue) => queue.is_ready === false)) {
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      await this.refresh(current);
    }
  }

  showProgress({ id, nDone, nTotal }) {
    const entry = this.session.queues.find((queue) => queue.id === id);
    if (entry && !Object.keys(this.read()).length) Object.assign(entry, { n_done: nDone, n_total: nTotal });
    const share = nTotal ? nDone / nTotal : 0;
    byId("progress").firstElementChild.style.width = `${100 * share}%`;
    byId("progress").setAttribute("aria-valuenow", String(Math.round(100 * share)));
    byId("count").textContent = t("{done} of {total}", { done: formatNumber(nDone), total: formatNumber(nTotal) });
    const counter = byId("queues").querySelector("[aria-current] .num");
    if (counter && entry) counter.textContent = countText(entry.n_done, entry.n_total);
  }

  // The filters that a list takes: in an audit nothing of the model is asked for.
  allowed(id, filters) {
    const { decision, ...others } = filters;
    this.form.elements.decision.disabled = id === "audit";
    this.showState();
    return id === "audit" ? others : filters;
  }

  // The filters that are set.
  read() {
    return Object.fromEntries([...new FormData(this.form)].filter(([, value]) => value));
  }

  // Sets the filters, as after a reload.
  write(filters) {
    for (const field of this.form.elements) {
      if (!field.name) continue;
      if (field.type === "checkbox") field.checked = field.name in filters;
      else field.value = filters[field.name] || "";
    }
    this.showState();
  }

  showState() {
    const n = Object.keys(this.read()).length;
    byId("filter-state").textContent = n ? t("{n} set", { n }) : "";
    if (n) byId("filter-box").open = true;
  }

  // On a narrow page the lists are folded away.
  unfold(isOpen) {
    byId("lists").classList.toggle("open", isOpen);
    byId("open-lists").setAttribute("aria-expanded", String(isOpen));
  }

  focus() {
    this.unfold(true);
    byId("queues").querySelector("[aria-current]")?.focus();
  }

  fillChoices() {
    const { facets, labels } = this.session;
    const fill = (name, values) => this.form.elements[name].append(
      ...values.map((value) => element("option", { value }, nameOf(value))));
    fill("site", facets.sites);
    fill("label", [...labels.map(({ name }) => name), "unknown"]);
    fill("decision", facets.labels);
    for (const name of ["first", "last"]) {
      this.form.elements[name].min = facets.first_day || "";
      this.form.elements[name].max = facets.last_day || "";
    }
  }
}

function stateOf({ n_total, n_done }) {
  if (!n_total) return "zero";
  return n_done >= n_total ? "done" : "";
}

function countText(nDone, nTotal) {
  return `${formatNumber(nDone)} / ${formatNumber(nTotal)}`;
}
