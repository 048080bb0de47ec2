// Suggestions under the search box: the combobox pattern of ARIA 1.2. Without a script it is a plain field.

const WAIT_MS = 120;
const MARK = "suggestion-";

export function attach(input) {
  const form = input.form;
  const told = form.closest("[data-search]").querySelector("[data-suggest-text]");
  const list = Object.assign(document.createElement("ul"), { id: "suggestions", className: "suggestions", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  form.append(list);
  const state = { role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false", "aria-haspopup": "listbox" };
  for (const [name, value] of Object.entries(state)) input.setAttribute(name, value);

  const known = new Map();
  let shown = [];
  let active = -1;
  let timer = 0;
  let asking = null;

  const isOpen = () => !list.hidden;

  function close() {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  }

  function mark(index) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = index;
    const option = list.children[active];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    return input.setAttribute("aria-activedescendant", option.id);
  }

  function show(found) {
    shown = found;
    mark(-1);
    list.replaceChildren(...found.map(optionOf));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(isOpen()));
    told.textContent = found.length ? `${found.length} suggestions` : "";
  }

  async function ask() {
    const typed = input.value.trim();
    asking?.abort();
    if (!typed) return close();
    const cached = known.get(input.value);
    if (cached) return show(cached);
    const asked = input.value;
    asking = new AbortController();
    try {
      const answer = await fetch(`${input.dataset.suggest}?${new URLSearchParams({ q: asked })}`, { signal: asking.signal });
      if (!answer.ok) return close();
      const found = (await answer.json()).suggestions;
      known.set(asked, found);
      // Whoever has gone on typing, or gone elsewhere, is not interrupted.
      if (input.value === asked && document.activeElement === input) show(found);
    } catch {
      // Given up for a newer one, or no network: the field works without.
    }
    return undefined;
  }

  // A brand or category becomes a filter, anything else the words; what is filtered already stays.
  function choose({ text, kind, value }) {
    const isName = value !== null && (kind === "brand" || kind === "category");
    input.value = isName ? "" : text;
    if (isName) {
      if (kind === "category") form.querySelectorAll("input[name=category]").forEach((old) => old.remove());
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name: kind, value }));
    }
    close();
    form.requestSubmit();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!isOpen()) ask();
      // Between the last and the first lies the field itself.
      else mark(((active + 1 + step + shown.length + 1) % (shown.length + 1)) - 1);
    } else if (event.key === "Enter" && isOpen() && active >= 0) {
      event.preventDefault();
      choose(shown[active]);
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault();
      close();
    }
  });
  // Not a click: by then the field has lost the focus, and the list is gone.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(shown[[...list.children].indexOf(option)]);
  });
  form.addEventListener("submit", close);
  // What was typed while this was on its way.
  if (document.activeElement === input && input.value !== input.defaultValue) ask();
}

function optionOf({ text, kind, products, value }, index) {
  const option = Object.assign(document.createElement("li"), { id: MARK + index });
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  const part = (className, words) => Object.assign(document.createElement("span"), { className, textContent: words });
  option.append(part("suggestion-text", text));
  const where = kind === "category" ? ` in ${(value ?? "").split("/").slice(0, -1).join(" / ") || "categories"}` : kind === "brand" ? " brand" : "";
  if (where) option.append(part("suggestion-kind", where));
  option.append(part("count", ` ${products.toLocaleString("en")}`));
  return option;
}
