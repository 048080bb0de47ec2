// What the pages do better with a script. Everything here works without it, a click or two slower.

const root = document.documentElement;
root.classList.add("js");

const all = (selector) => [...document.querySelectorAll(selector)];
const search = document.querySelector("[data-search]");
const pictureForm = document.querySelector("[data-picture-form]");
const filterForm = document.querySelector("[data-filter-form]");

// Addresses without the empty fields that a browser sends.
for (const form of all("[data-tidy]")) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const name of new Set(formData.keys())) {
      const filled = formData.getAll(name).filter((value) => value !== "");
      formData.delete(name);
      filled.forEach((value) => formData.append(name, value));
    }
  });
}

// Suggestions come to those who use the search box.
const words = document.querySelector("[data-suggest]");
words?.addEventListener("focus", async () => (await import(words.dataset.suggestScript)).attach(words), { once: true });

// The order changes as soon as it is chosen, by a pointer. Going through the menu with the arrow keys fires a change
// at every step in some browsers, so a keyboard chooses with Enter or by leaving the menu.
for (const select of all("[data-auto-submit]")) {
  const chosen = select.value;
  let byKey = false;
  const submit = () => {
    if (select.value !== chosen) select.form.requestSubmit();
  };
  select.addEventListener("keydown", (event) => {
    byKey = !["Enter", " "].includes(event.key);
    if (event.key === "Enter") submit();
  });
  select.addEventListener("pointerdown", () => { byKey = false; });
  select.addEventListener("change", () => { if (!byKey) submit(); });
  select.addEventListener("blur", submit);
}

// Words typed but not yet searched for go along when the filters are applied.
filterForm?.addEventListener("submit", () => {
  const typed = document.querySelector("[data-typed] [name=q]")?.value.trim();
  if (filterForm.method !== "get" || typed === undefined) return;
  let field = filterForm.elements.namedItem("q");
  if (typed !== (field?.value ?? "")) {
    // What was said of the spelling and the reach was said of other words.
    for (const name of ["verbatim", "all"]) filterForm.elements.namedItem(name)?.remove();
  }
  if (!field) {
    field = Object.assign(document.createElement("input"), { type: "hidden", name: "q" });
    filterForm.append(field);
  }
  field.value = typed;
});

// On a phone the filters lie over the page while the address ends in #filters.
const narrow = window.matchMedia("(max-width: 991.98px)");
const filters = document.querySelector("[data-filters]");
const openFilters = document.querySelector(".filters-open");
let filtersWereOpen = false;
function showFilters() {
  const open = Boolean(filters) && location.hash === "#filters" && narrow.matches;
  for (const other of all(".masthead, .hero, .shop-head, .shop-results, .foot")) other.inert = open;
  document.body.style.overflow = open ? "hidden" : "";
  if (open) filters.querySelector(".filters-close").focus();
  else if (filtersWereOpen && narrow.matches) openFilters.focus();
  filtersWereOpen = open;
}
window.addEventListener("hashchange", showFilters);
narrow.addEventListener("change", showFilters);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && location.hash === "#filters") location.hash = "#results";
});
showFilters();

// Search with a picture: choose, drop or paste one, and it is sent at once.
function busy(text) {
  search.classList.add("is-busy");
  search.querySelector("[data-busy-text]").textContent = text;
}

function sendPicture(file) {
  if (!file?.type.startsWith("image/")) return false;
  const files = new DataTransfer();
  files.items.add(file);
  pictureForm.elements.image.files = files.files;
  pictureForm.closest("details").open = true;
  const preview = pictureForm.querySelector("[data-preview]");
  if (preview.src) URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
  pictureForm.requestSubmit();
  return true;
}

if (pictureForm) {
  pictureForm.addEventListener("submit", () => busy("Looking for products like your picture…"));
  pictureForm.elements.image.addEventListener("change", ({ target }) => sendPicture(target.files[0]));
  document.querySelector("[data-words]").addEventListener("submit", () => busy("Searching…"));

  const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const drag = (by) => {
    depth = by === 0 ? 0 : Math.max(0, depth + by);
    search.classList.toggle("is-dragging", depth > 0);
    if (depth > 0) pictureForm.closest("details").open = true;
  };
  document.addEventListener("dragenter", (event) => { if (carriesFile(event)) drag(1); });
  document.addEventListener("dragleave", (event) => { if (carriesFile(event)) drag(-1); });
  document.addEventListener("dragover", (event) => { if (carriesFile(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    drag(0);
    sendPicture(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    if (sendPicture(event.clipboardData?.files[0])) event.preventDefault();
  });
  // A page that comes back from the browser's memory is not busy any more.
  window.addEventListener("pageshow", () => {
    search.classList.remove("is-busy");
    search.querySelector("[data-busy-text]").textContent = "";
  });
}
