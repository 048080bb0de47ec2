// The next products go behind those that are there, when the end comes into view or a button says so.

// So many pages come by themselves; then the button has to be pressed, so that the end of the page can be reached.
const BY_THEMSELVES = 3;
const AHEAD = "600px";
// So many are fetched again for somebody who comes back to a page.
const MOST_AGAIN = 20;

const grid = document.querySelector("[data-grid]");
const pager = document.querySelector("[data-pager]");
if (grid && pager) attach();

function attach() {
  const pictureForm = document.getElementById("picture-again");
  const next = pager.querySelector(".btn-primary");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-primary more" });
  const range = document.querySelector("[data-from]");
  const told = Object.assign(document.createElement("p"), { className: "visually-hidden" });
  const failed = Object.assign(document.createElement("p"), { className: "field-error more-failed" });
  told.setAttribute("role", "status");
  failed.setAttribute("role", "alert");
  next.replaceWith(button);
  pager.after(told, failed);

  let address = next.getAttribute("href") ?? next.getAttribute("formaction");
  let pages = 0;
  let alone = 0;
  let loading = null;

  async function fetchPart() {
    const url = new URL(address, location.href);
    url.searchParams.set("part", "1");
    const answer = await fetch(url, pictureForm ? { method: "POST", body: new FormData(pictureForm) } : {});
    if (answer.status === 410) return null;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  function append(part) {
    const list = part.querySelector(".grid");
    const cards = [...list.children];
    grid.append(...cards);
    range.textContent = `${range.dataset.from}–${list.dataset.last}`;
    address = list.dataset.next;
    pages += 1;
    const end = part.querySelector("[data-end]");
    if (end) pager.after(end);
    return cards;
  }

  // The products that are gone on with; undefined where that failed, or there are no more.
  async function load() {
    if (loading || !address) return undefined;
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Loading…";
    failed.textContent = "";
    loading = fetchPart();
    try {
      const part = await loading;
      if (!part) return startAgain();
      const cards = append(part);
      told.textContent = `${grid.children.length} products are shown${address ? "" : ", which are all"}.`;
      remember();
      return cards;
    } catch {
      failed.textContent = "The next products could not be loaded.";
      return undefined;
    } finally {
      loading = null;
      button.removeAttribute("aria-disabled");
      button.textContent = failed.textContent ? "Try again" : "Load more";
      if (!address) finish();
    }
  }

  function startAgain() {
    failed.textContent = "The shop has changed, and this result cannot be gone on with. ";
    const again = new URL(location.href);
    for (const name of ["cursor", "seen"]) again.searchParams.delete(name);
    if (!pictureForm) failed.append(Object.assign(document.createElement("a"), { href: again, textContent: "See it anew" }));
    address = undefined;
    return undefined;
  }

  function finish() {
    const hadFocus = document.activeElement === button;
    button.remove();
    if (hadFocus && !pager.children.length) {
      grid.lastElementChild.querySelector("a").focus({ preventScroll: true });
    }
    if (!pager.children.length) pager.remove();
  }

  function remember() {
    history.replaceState({ ...history.state, pages, top: Math.round(scrollY) }, "");
  }

  button.textContent = "Load more";
  button.addEventListener("click", async () => {
    alone = 0;
    const cards = await load();
    // Who pressed the button by key goes on at the first of the new products.
    if (cards && (document.activeElement === button || document.activeElement === document.body)) {
      if (button.matches(":focus-visible") || !button.isConnected) cards[0].querySelector("a").focus({ preventScroll: true });
    }
  });

  const isByKey = () => document.activeElement?.matches("main :focus-visible");
  const isSparing = navigator.connection?.saveData === true;
  const watch = new IntersectionObserver(async (seen) => {
    if (!seen.at(-1).isIntersecting || isSparing || isByKey() || alone >= BY_THEMSELVES || failed.textContent) return;
    alone += 1;
    await load();
    // Told again where the end is still in view.
    if (button.isConnected) { watch.unobserve(button); watch.observe(button); }
  }, { rootMargin: AHEAD });

  async function comeBack() {
    const before = history.state;
    if (before?.pages) {
      history.scrollRestoration = "manual";
      const again = Math.min(before.pages, MOST_AGAIN);
      for (let page = 0; page < again && address; page += 1) if (!(await load())) break;
      scrollTo({ top: before.top, behavior: "instant" });
      history.scrollRestoration = "auto";
      remember();
    }
    watch.observe(button);
    let timer = 0;
    addEventListener("scroll", () => {
      clearTimeout(timer);
      timer = setTimeout(() => pages && remember(), 150);
    }, { passive: true });
    grid.addEventListener("click", () => pages && remember(), { capture: true });
  }
  comeBack();
}
