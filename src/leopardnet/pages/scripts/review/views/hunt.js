// What a promise still lacks, and in a hunt: how many labels there are and a model made of them.

import { byId, colourDot, element } from "../../shared/elements.js";
import { formatNumber, nameOf, t } from "../../shared/language.js";
import { getJson, postJson } from "../api.js";
import { showProblem } from "./notices.js";

const ASK_AGAIN_MS = 700;

export class Hunt {
  // onRefit(): called when the order of the hunt is new.
  constructor(session, onRefit) {
    Object.assign(this, { session, onRefit });
    this.isHunt = session.mode === "hunt";
    this.name = t("my-model");
    this.model = null;
    byId("hunt").hidden = !this.isHunt && !session.promise;
    this.showPromise();
  }

  // Asks the server for the counts; called after labels.
  async refresh() {
    if (!this.isHunt) return;
    try {
      this.counts = await getJson("/api/hunt");
      this.session.promise = this.counts.promise ?? this.session.promise;
    } catch (error) {
      showProblem(error);
      return;
    }
    this.draw();
  }

  // Shows what a promise lacks by now, where there is no hunt, which draws it with its counts.
  showPromise() {
    const { promise } = this.session;
    if (!this.isHunt && promise) byId("hunt").replaceChildren(element("h2", { class: "small" }, t("Promise")), ...this.promiseRows(promise));
  }

  promiseRows({ label, n_needed, n_have }) {
    const values = { label: nameOf(label), needed: formatNumber(n_needed), have: formatNumber(n_have) };
    const text = n_have >= n_needed
      ? t("{label}: the random audit met it at {have} sites, enough for a promise.", values)
      : t("{label}: to promise that at most 5 % are lost, the random audit must meet it at {needed} sites; so far at {have}.", values);
    const share = Math.min(1, n_needed ? n_have / n_needed : 1);
    return [element("p", {}, text), element("div", { class: "bar" }, element("i", { style: `--c:var(--accent);width:${100 * share}%` }))];
  }

  draw() {
    const { targets, n_labels, advice } = this.counts;
    const rows = Object.entries(n_labels || {}).map(([name, n]) => element("li", {},
      colourDot(name, this.session.labels.find((label) => label.name === name)?.colour),
      element("span", {}, nameOf(name)), element("b", { class: "num" }, formatNumber(n))));
    const promise = this.session.promise;
    byId("hunt").replaceChildren(
      element("h2", { class: "small" }, t("A model of your own")),
      element("p", {}, t("Looking for: {target}", { target: targets.map(nameOf).join(", ") || "–" })),
      element("ul", { class: "tally" }, ...rows),
      advice ? element("p", { class: "muted" }, advice) : "",
      ...(promise ? this.promiseRows(promise) : []),
      element("p", { class: "muted" }, t("These are ranks, what to look at first. A model decides only after a promise holds.")),
      this.form(),
    );
  }

  form() {
    const name = element("input", { type: "text", "aria-label": t("Name of the model"), value: this.name, maxlength: "60", required: true,
      oninput: (event) => {
        this.name = event.target.value;
      } });
    const isWorking = this.model?.state === "working";
    const make = element("button", { type: "submit", class: "main", id: "make-model", disabled: isWorking }, t("Make a model"));
    const again = element("button", { type: "button", class: "quiet", onclick: () => this.refit() }, t("Order anew"));
    const state = element("p", { id: "model-state", role: "status" }, this.modelText());
    const form = element("form", { class: "make" }, name, make, again, state, ...this.nextSteps());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.makeModel();
    });
    return form;
  }

  modelText() {
    const { state, bundle, error } = this.model || {};
    if (error) return [error.what || error, error.do].filter(Boolean).join(". ");
    if (state === "working") return t("Working …");
    return bundle ? t("Ready: {bundle}", { bundle }) : "";
  }

  // The commands that classify all clips with the new model and open what it says.
  nextSteps() {
    const steps = this.model?.next || [];
    const shown = steps.map((step) => element("code", { class: "step" }, step));
    return steps.length ? [element("p", { class: "muted" }, t("Next, in the terminal:")), ...shown] : [];
  }

  async makeModel() {
    try {
      this.model = await postJson("/api/model", { name: this.name });
      this.draw();
      while (this.model.state === "working") {
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
        this.model = await getJson("/api/model");
      }
    } catch (error) {
      this.model = { state: "failed", error: error.problem || { what: String(error) } };
    }
    this.draw();
    await this.refresh(); // the counts may be older than the model
  }

  async refit() {
    try {
      await postJson("/api/refit", {});
      await this.onRefit();
    } catch (error) {
      showProblem(error);
    }
  }
}
