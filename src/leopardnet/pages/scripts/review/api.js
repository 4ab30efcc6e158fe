// Questions to the server and its answers. Everything that fails becomes an ApiError with what and what to do.

import { t } from "../shared/language.js";

export class ApiError extends Error {
  // status: 0 where the server did not answer.
  constructor(problem, status) {
    super(problem.what);
    this.problem = problem;
    this.status = status;
  }

  // What happened, where, what was found, and what to do: as sentences.
  get text() {
    const { what, where, found, expected } = this.problem;
    const details = [where, found && t("found: {x}", { x: found }), expected && t("expected: {x}", { x: expected })];
    const said = [what, ...details.filter(Boolean)].join("; ");
    return [said, this.problem.do].filter(Boolean).map((part) => part.replace(/[.\s]*$/, ".")).join(" ");
  }
}

// params: left out where they are empty.
export function getJson(path, params = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "" && value !== null));
  return ask(query.size ? `${path}?${query}` : path, {});
}

export function postJson(path, body) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, credentials: "same-origin", cache: "no-store" });
  } catch {
    const problem = {
      what: t("The server does not answer"),
      do: t("Start leopardnet review again if it has ended; this page keeps what you pressed and sends it again"),
    };
    throw new ApiError(problem, 0);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new ApiError(answer?.what ? answer : { what: t("The server answered {n}", { n: response.status }) }, response.status);
}
