// Names the point under the pointer or the focus at once, and shows its links.
"use strict";

(() => {
  const map = document.querySelector(".map");
  if (!map) return;
  const name = map.querySelector(".map-name");
  const linesOf = new Map();
  for (const line of map.querySelectorAll("[data-of]")) {
    for (const point of line.dataset.of.split(" ")) {
      if (!linesOf.has(point)) linesOf.set(point, []);
      linesOf.get(point).push(line);
    }
  }
  const points = new Map();
  for (const link of map.querySelectorAll("[data-point]")) {
    points.set(link.dataset.point, link);
    // The browser would show it once more, later.
    const title = link.querySelector("title");
    link.dataset.name = title.textContent;
    link.setAttribute("aria-label", title.textContent);
    title.remove();
  }

  let shown = [];
  const show = (link) => {
    for (const element of shown) element.classList.remove("near");
    shown = [];
    name.hidden = !link;
    if (!link) return;
    name.textContent = link.dataset.name;
    const lines = linesOf.get(link.dataset.point) || [];
    const ends = lines.flatMap((line) => line.dataset.of.split(" "));
    shown = [link, ...lines, ...ends.map((end) => points.get(end))];
    for (const element of shown) element.classList.add("near");
  };
  const pointOf = (event) => event.target.closest("[data-point]");
  map.addEventListener("pointerover", (event) => show(pointOf(event)));
  map.addEventListener("pointerleave", () => show(null));
  map.addEventListener("focusin", (event) => show(pointOf(event)));
})();
