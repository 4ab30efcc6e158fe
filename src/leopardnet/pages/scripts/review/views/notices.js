// What went wrong and what to do about it, and short words for those who listen to the page.

import { byId, element } from "../../shared/elements.js";
import { t } from "../../shared/language.js";

// Says something in passing: what was saved, why a key did nothing.
export function tell(text) {
  byId("saved").textContent = text;
  byId("live").textContent = text;
}

// Shows what keeps a press from being saved, until it is.
export function showTrouble(outbox) {
  const box = byId("problem");
  box.hidden = !outbox.error;
  if (!outbox.error) return;
  const n = outbox.items.length;
  const isRefused = outbox.error.status >= 400 && outbox.error.status < 500;
  box.replaceChildren(
    element("span", {}, outbox.error.text, " ", t("Not saved yet: {n}.", { n })),
    element("span", { class: "push" }),
    element("button", { type: "button", class: "quiet", id: "retry", onclick: () => outbox.retry() }, t("Try again")),
    isRefused ? element("button", { type: "button", class: "quiet", id: "drop", onclick: () => outbox.drop() }, t("Drop it")) : "",
  );
}

// Shows what a person should know before, until it is closed.
export function showNotices(texts) {
  byId("notices").replaceChildren(...texts.map((text) => {
    const notice = element("p", { class: "muted" }, text,
      element("button", { type: "button", class: "quiet", onclick: () => notice.remove() }, t("Close")));
    return notice;
  }));
}

// Shows a problem that no press waits for.
export function showProblem(error) {
  const close = () => {
    byId("problem").hidden = true;
  };
  byId("problem").hidden = false;
  byId("problem").replaceChildren(element("span", {}, error.text || String(error)), element("span", { class: "push" }),
    element("button", { type: "button", class: "quiet", onclick: close }, t("Close")));
}
