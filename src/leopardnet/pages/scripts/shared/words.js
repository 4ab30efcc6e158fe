// The language of the page: its catalogue of texts, by the English text.

const catalogue = JSON.parse(document.getElementById("catalogue")?.textContent || "{}");

// The text in the language of the page, with {name} replaced by values.name.
export function t(text, values = {}) {
  return (catalogue[text] || text).replace(/\{(\w+)\}/g, (whole, name) => name in values ? values[name] : whole);
}
