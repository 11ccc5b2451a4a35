"use strict";

// Without this file the page is a plain form. With it, results are put in place without loading the
// page anew, and names are suggested while someone types.

const form = document.querySelector("form[role=search]");
const input = form.elements.q;
const list = document.getElementById("suggestions");
const SUGGEST_AFTER_MS = 60;
let chosen = -1;
let timer = 0;
let suggesting = new AbortController();
let searching = new AbortController();

async function show(url, { remember = true, focus = false } = {}) {
  close();
  searching.abort();
  searching = new AbortController();
  const main = document.getElementById("results");
  main.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(url, { signal: searching.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const results = page.getElementById("results");
    if (!results) throw new Error(`No results in the answer (${response.status})`);
    main.replaceWith(results);
    document.querySelector("footer").replaceWith(page.querySelector("footer"));
    document.title = page.title;
    document.body.className = page.body.className;
    const asked = page.querySelector("form[role=search]");
    input.value = asked.elements.q.value;
    form.elements.type.value = asked.elements.type.value;
    if (remember) history.pushState(null, "", url);
    if (focus) scrollTo(0, 0);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  }
}

function address() {
  return `${form.action}?${new URLSearchParams(new FormData(form))}`;
}

function close() {
  clearTimeout(timer);
  suggesting.abort();
  list.hidden = true;
  list.replaceChildren();
  chosen = -1;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

async function suggest() {
  suggesting.abort();
  suggesting = new AbortController();
  const typed = input.value;
  if (!typed.trim()) return close();
  try {
    const query = new URLSearchParams({ q: typed });
    const response = await fetch(`${form.dataset.suggest}?${query}`, { signal: suggesting.signal });
    if (!response.ok) return close();
    const { suggestions } = await response.json();
    if (input.value !== typed || document.activeElement !== input) return;
    close();
    list.append(...suggestions.slice(0, 8).map(option));
    list.hidden = !suggestions.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  } catch (error) {
    if (error.name !== "AbortError") close();
  }
}

function option({ type, text }, n) {
  const item = document.createElement("li");
  item.id = `suggestion-${n}`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  const name = document.createElement("bdi");
  name.textContent = text;
  const kind = document.createElement("small");
  kind.textContent = type;
  item.append(name, kind);
  item.addEventListener("mousedown", (event) => {
    event.preventDefault();
    take(text);
  });
  return item;
}

function take(text) {
  input.value = text;
  show(address());
}

function choose(step) {
  const items = [...list.children];
  if (!items.length) return;
  // One place more than there are suggestions: the text as typed.
  chosen = ((chosen + 1 + step + items.length + 1) % (items.length + 1)) - 1;
  items.forEach((item, n) => item.setAttribute("aria-selected", String(n === chosen)));
  if (chosen < 0) input.removeAttribute("aria-activedescendant");
  else input.setAttribute("aria-activedescendant", items[chosen].id);
}

input.setAttribute("role", "combobox");
input.setAttribute("aria-controls", list.id);
input.setAttribute("aria-autocomplete", "list");
input.setAttribute("aria-expanded", "false");

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(suggest, SUGGEST_AFTER_MS);
});
input.addEventListener("blur", close);
input.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (list.hidden) return;
    event.preventDefault();
    choose(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape" && !list.hidden) {
    event.preventDefault();
    close();
  } else if (event.key === "Enter" && chosen >= 0) {
    event.preventDefault();
    take(list.children[chosen].querySelector("bdi").textContent);
  }
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show(address());
});
form.addEventListener("change", (event) => {
  if (event.target.name === "type" && input.value.trim()) show(address());
});
document.addEventListener("click", (event) => {
  const link = event.target.closest(".instead a, nav a, .examples a");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  show(link.href, { focus: true });
});
addEventListener("popstate", () => show(location.href, { remember: false }));
