// Tells the shop which product of a result was looked at. Nothing waits for it, and without it links are links.

const grid = document.querySelector("[data-grid][data-search]");

function tell(event) {
  const link = event.target.closest("a[data-position]");
  // The middle button opens a tab; the right one only a menu.
  if (!link || (event.type === "auxclick" && event.button !== 1)) return;
  const click = { search_id: grid.dataset.search, sku: link.dataset.sku, position: Number(link.dataset.position) };
  navigator.sendBeacon(grid.dataset.clicks, new Blob([JSON.stringify(click)], { type: "application/json" }));
}

for (const kind of ["click", "auxclick"]) grid?.addEventListener(kind, tell);
