// The language of the page: texts, numbers and names. English texts are their own keys.

export const spoken = JSON.parse(document.getElementById("texts").textContent);
const pluralRules = new Intl.PluralRules(spoken.language);
const PLURAL_FORMS = { one: 0, few: 1 }; // of the catalogue; all other categories have its last form
const numberForms = new Map();

function fillIn(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? values[name] : whole));
}

// A text in the language of the page, with values in the place of {name}.
export function t(text, values) {
  return fillIn(spoken.texts[text] || text, values);
}

// The form of a text that suits the number n, which stands in the place of {n}.
export function plural(one, many, n, values) {
  const forms = spoken.texts[one] || [one, many];
  const form = Math.min(PLURAL_FORMS[pluralRules.select(n)] ?? forms.length - 1, forms.length - 1);
  return fillIn(forms[form], { n: formatNumber(n), ...values });
}

export function formatNumber(value, nDecimals = 0) {
  if (!numberForms.has(nDecimals)) {
    const digits = { minimumFractionDigits: nDecimals, maximumFractionDigits: nDecimals };
    numberForms.set(nDecimals, new Intl.NumberFormat(spoken.language, digits));
  }
  return numberForms.get(nDecimals).format(value);
}

// A probability as everywhere: its six decimals, of which data may have cut the last three, rounded half up to two.
export function formatProbability(value) {
  return formatNumber(Math.floor((Math.round(value * 1e6) + 5000) / 10000) / 100, 2);
}

// The day of a time such as 2026-03-05 12:30:00; English pages keep this form.
export function formatDay(time) {
  const day = time.slice(0, 10);
  return spoken.language === "ru" ? day.split("-").reverse().join(".") : day;
}

// The name of a label, a decision or another value, or of several labels; ids stay what they are.
export function nameOf(id) {
  return id.split(" + ").map((part) => spoken.labels[part] || part.replaceAll("_", " ")).join(" + ");
}
