// The review page starts here.

import { ApiError, getJson } from "./api.js";
import { Review } from "./review.js";
import { showProblem } from "./views/notices.js";

try {
  await new Review(await getJson("/api/session")).start();
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  showProblem(error);
}
