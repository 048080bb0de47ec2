// Pictures of a product: previews of new ones, order by dragging or by the keyboard, and a bar while they are sent.

import { alertOf, renewed } from "./session.js";

const OTHER = "You are logged in as somebody else by now, and nothing is saved yet. Press Save again to save it as them.";

const form = document.querySelector("[data-product-form]");
const list = form?.querySelector("[data-gallery]");
const input = form?.querySelector("[name=pictures]");
if (list && input && !input.disabled) attach();

function attach() {
  const drop = form.querySelector("[data-drop]");
  const bar = drop.querySelector("progress");
  const told = drop.querySelector("[data-told]");
  // The files of the new pictures, by the list's element.
  const files = new Map();
  let dragged = null;

  form.addEventListener("input", touch);
  window.addEventListener("beforeunload", (event) => {
    if ("unsent" in form.dataset) event.preventDefault();
  });
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  drop.addEventListener("dragover", (event) => {
    if (dragged) return;
    event.preventDefault();
    drop.classList.add("dragged");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("dragged"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("dragged");
    add([...event.dataTransfer.files].filter((file) => file.type.startsWith("image/")));
  });
  for (const item of list.children) equip(item);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });

  // Whatever else goes on, a page with such a form stays where it is.
  function touch() {
    form.dataset.unsent = "";
  }

  function add(some) {
    for (const file of some) {
      const item = document.createElement("li");
      const image = Object.assign(new Image(160, 160), { src: URL.createObjectURL(file), alt: file.name });
      item.append(image, label("Place ", "place"), label("What it shows (alt text) ", "alt"), takeAway(item));
      item.draggable = true;
      files.set(item, file);
      list.append(item);
      equip(item);
    }
    number();
    told.textContent = some.length ? "Not saved yet." : "";
    if (some.length) touch();
  }

  function label(text, kind) {
    const made = Object.assign(document.createElement("label"), { textContent: text });
    const field = Object.assign(document.createElement("input"), { className: "form-control form-control-sm" });
    field.dataset.kind = kind;
    if (kind === "place") field.classList.add("place");
    made.append(field);
    return made;
  }

  function takeAway(item) {
    const properties = { type: "button", className: "btn btn-outline-secondary btn-sm", textContent: "Take away" };
    const button = Object.assign(document.createElement("button"), properties);
    button.addEventListener("click", () => {
      files.delete(item);
      item.remove();
      number();
    });
    return button;
  }

  function equip(item) {
    const place = item.querySelector(".place");
    place.addEventListener("change", () => move(item, place));
    place.addEventListener("keydown", (event) => {
      // An item that moves takes the focus out of the page, and what Tab would go to with it.
      if (event.key !== "Tab" || event.altKey || event.ctrlKey || event.metaKey || !move(item, place)) return;
      event.preventDefault();
      const fields = [...form.querySelectorAll("input, select, textarea, button")].filter(
        (field) => !field.disabled && field.tabIndex >= 0 && field.getClientRects().length,
      );
      fields[fields.indexOf(place) + (event.shiftKey ? -1 : 1)].focus();
    });
    item.addEventListener("dragstart", (event) => {
      dragged = item;
      event.dataTransfer.effectAllowed = "move";
    });
    item.addEventListener("dragend", () => {
      dragged = null;
      number();
      touch();
    });
    item.addEventListener("dragover", (event) => {
      if (!dragged || dragged === item) return;
      event.preventDefault();
      const { left, width } = item.getBoundingClientRect();
      list.insertBefore(dragged, event.clientX < left + width / 2 ? item : item.nextSibling);
    });
  }

  // To the place that was typed; whether it had to move for it.
  function move(item, place) {
    const others = [...list.children].filter((other) => other !== item);
    const wanted = Math.min(Math.max(Number.parseInt(place.value, 10) || others.length + 1, 1), others.length + 1);
    const moves = list.children[wanted - 1] !== item;
    const active = document.activeElement;
    if (moves) list.insertBefore(item, others[wanted - 1] ?? null);
    number();
    // Enter leaves it where it was; who clicked elsewhere is there.
    if (moves && item.contains(active)) active.focus();
    return moves;
  }

  function number() {
    [...list.children].forEach((item, index) => {
      item.querySelector(".place").value = index + 1;
    });
  }

  function send(isAgain = false) {
    const data = new FormData(form);
    data.delete("pictures");
    let count = 0;
    for (const item of list.children) {
      if (!files.has(item)) continue;
      data.append("pictures", files.get(item));
      for (const kind of ["place", "alt"]) data.append(`${kind}:new:${count}`, item.querySelector(`[data-kind=${kind}]`).value);
      count += 1;
    }
    const button = form.querySelector("button.btn-primary");
    button.disabled = true;
    bar.hidden = count === 0;
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = total ? loaded / total : 0;
    });
    const again = () => {
      button.disabled = false;
      bar.hidden = true;
      told.textContent = "Not saved yet.";
    };
    request.addEventListener("error", () => {
      again();
      showAlert(alertOf("The connection is lost. Nothing is saved; press Save again."));
    });
    request.addEventListener("load", () => {
      if (request.status === 200) {
        delete form.dataset.unsent;
        location.assign(JSON.parse(request.responseText).page);
        return;
      }
      const mayRepeat = renewed((name) => request.getResponseHeader(name));
      if (mayRepeat && !isAgain) {
        send(true);
        return;
      }
      again();
      const isPage = request.getResponseHeader("Content-Type")?.startsWith("text/html");
      // The new pictures stay where they are; what was wrong stands at the top and beside the fields.
      if (isPage) showMistakes(new DOMParser().parseFromString(request.responseText, "text/html"));
      else if (request.getResponseHeader("X-Vitrine-Token") && !mayRepeat) showAlert(alertOf(OTHER));
      else showAlert(alertOf(messageIn(request), request.status === 401));
    });
    request.send(data);
  }

  // Pictures that somebody else added stand behind those here, and those that are gone stand here no more.
  function takeTheirs(page) {
    const nameOf = (item) => item.querySelector(".place").name;
    const theirs = new Map([...page.querySelectorAll("[data-gallery] > li")].map((item) => [nameOf(item), item]));
    for (const item of [...list.children]) {
      if (!files.has(item) && !theirs.delete(nameOf(item))) item.remove();
    }
    for (const item of theirs.values()) {
      const added = document.importNode(item, true);
      list.append(added);
      equip(added);
    }
    number();
  }

  function showMistakes(page) {
    const alert = page.querySelector("[role=alert]") ?? page.querySelector("main p");
    for (const old of form.querySelectorAll(".invalid-feedback")) old.remove();
    for (const field of form.querySelectorAll(".is-invalid")) field.classList.remove("is-invalid");
    for (const said of page.querySelectorAll(".invalid-feedback")) {
      const field = form.querySelector(`#${CSS.escape(said.id.replace(/-said$/, ""))}`);
      field?.classList.add("is-invalid");
      // Where a hint stands below the field, what is wrong takes its place, as it does on a page without scripts.
      field?.parentNode.querySelector(`.form-text#${CSS.escape(said.id)}`)?.remove();
      field?.setAttribute("aria-describedby", said.id);
      field?.after(document.importNode(said, true));
    }
    for (const name of ["seen", "was"]) {
      const now = page.querySelector(`[name=${name}]`);
      if (now) form.querySelector(`[name=${name}]`).value = now.value;
    }
    if (page.querySelector(".theirs")) takeTheirs(page);
    // What somebody else did meanwhile stands there.
    const history = page.querySelector("[aria-labelledby=history]");
    document.querySelector("[aria-labelledby=history]")?.remove();
    if (history) form.parentNode.append(document.importNode(history, true));
    if (alert) {
      const shown = document.importNode(alert, true);
      shown.setAttribute("role", "alert");
      showAlert(shown);
    }
    form.querySelector(".is-invalid")?.focus();
  }

  function showAlert(shown) {
    form.parentNode.querySelector(":scope > [role=alert]")?.remove();
    form.before(shown);
    shown.scrollIntoView({ block: "center" });
  }
}

function messageIn(request) {
  try {
    return JSON.parse(request.responseText).error.message;
  } catch {
    return "The server did not take it, and nothing is saved. Press Save again in a moment.";
  }
}
