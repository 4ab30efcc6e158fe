// Clips in files beside the page. Each file is a script with one call; the page may run no others, and read no files.

import { byId, element } from "../shared/elements.js";
import { formatNumber, t } from "../shared/language.js";
import { data, hiddenClips, nClips } from "./data.js";

const FIRST_CLIPS = data.clip_id.length; // those that the page holds
const answers = new Map(); // by the name of a file: a promise of its content, null where it cannot be used
const arrived = new Map(); // by the name of a file: its content
const broken = new Set(); // numbers of the files with details that cannot be used

globalThis.leopardnetReport = (key, name, text) => {
  if (data.files && key === data.files.key) arrived.set(name, JSON.parse(text));
};

function loadFile(name) {
  if (!answers.has(name)) {
    answers.set(name, new Promise((resolve) => {
      const script = element("script", { nonce: data.files.key, src: `${data.files.url}/${name}.js` });
      script.onload = script.onerror = () => {
        script.remove();
        resolve(arrived.get(name) || null);
        arrived.delete(name);
      };
      document.head.append(script);
    }));
  }
  return answers.get(name);
}

// Loads what filters, search and orders need of all clips. Returns a promise: whether all of it is there.
export async function loadList() {
  const names = [...Array(data.files.n_lists).keys()].map((n) => `list-${n}`);
  const parts = await Promise.all(names.map(loadFile));
  if (parts.includes(null)) return false;
  for (const [name, values] of Object.entries(parts[0])) {
    data[name] = parts.flatMap((part) => values.codes ? decode(part[name]) : part[name]);
  }
  return data.clip_id.length === nClips;
}

// The values of a column that has few of them.
function decode({ names, codes }) {
  return codes.map((code) => names[code]);
}

// Whether the details of a clip are there: its picture, its frames, its probabilities.
export function isDetailed(clip) {
  return clip < FIRST_CLIPS || data.probs[clip] !== undefined;
}

// Calls `then` when the details of these clips are there, at once where they are there already, or cannot be had.
export function withDetails(clips, then) {
  const numbers = new Set(
    clips.filter((clip) => !isDetailed(clip)).map((clip) => Math.floor(clip / data.files.page_rows))
  );
  for (const number of broken) numbers.delete(number);
  if (!numbers.size) return then();
  return Promise.all([...numbers].map(loadDetails)).then(then);
}

async function loadDetails(number) {
  const part = await loadFile(`page-${number}`);
  if (!part) return reportBroken(number);
  const first = number * data.files.page_rows;
  for (const name of ["reason", "n_frames", "probs", "times"]) {
    part[name].forEach((value, n) => { data[name][first + n] = value; });
  }
  for (const name of ["frames", "boxes", "thumbs"]) {
    for (const [n, value] of Object.entries(part[name])) data[name][first + Number(n)] = value;
  }
  for (const n of part.hidden) hiddenClips.add(first + n);
}

function reportBroken(number) {
  broken.add(number);
  const values = { n: formatNumber(broken.size), folder: data.files.folder };
  showBroken(t("Files in the folder {folder} are missing or damaged ({n}), so clips lack pictures and details. Copy the folder again.", values));
}

// Says that only the first clips are there.
export function reportMissingList() {
  const values = { n: formatNumber(FIRST_CLIPS), total: formatNumber(nClips), folder: data.files.folder };
  showBroken(t("Only {n} of {total} clips are shown: the folder {folder} is not beside this page, is not complete, or is of another report. Copy the page and its folder together.", values));
}

function showBroken(text) {
  byId("broken").querySelector("span").textContent = text;
  byId("broken").hidden = false;
}
