// Values of the list are changed where they stand: a click or Enter opens a field, Enter saves, Escape restores.

import { send } from "./session.js";

const STATUSES = ["live", "draft", "hidden"];
const LOST = "The connection is lost, and nothing is saved. Press Enter to try again.";

const list = document.querySelector("[data-rows]");
if (list) attach();

function attach() {
  const told = document.querySelector("[data-rows-said]");
  for (const row of list.querySelectorAll("tr[data-sku]")) equip(row);

  // What is shown becomes a button that opens its field.
  function equip(row) {
    for (const shown of row.querySelectorAll(":not(.cell-value) > [data-field]")) {
      const isTitle = shown.dataset.field === "title";
      const what = `${isTitle ? "Edit" : ", edit"} the ${shown.dataset.label.toLowerCase()} of ${row.dataset.title}`;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "cell-value" });
      shown.before(button);
      button.append(shown, Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: what }));
      if (isTitle) button.append(Object.assign(document.createElement("span"), { ariaHidden: "true", textContent: "Edit title" }));
      else if (!shown.textContent) shown.textContent = "none";
      button.addEventListener("click", () => open(row, button, shown.dataset));
    }
  }

  function open(row, button, { field, label, value }) {
    const editor = Object.assign(document.createElement("span"), { className: "cell-editor" });
    const input = field === "status" ? choice(value) : Object.assign(document.createElement("input"), { value });
    input.className = field === "status" ? "form-select form-select-sm" : "form-control form-control-sm";
    input.autocomplete = "off";
    if (field === "price") input.inputMode = "decimal";
    if (field === "stock") input.inputMode = "numeric";
    input.setAttribute("aria-label", `${label} of ${row.dataset.title}`);
    input.setAttribute("aria-describedby", "how-to-edit");
    editor.append(input);
    button.hidden = true;
    button.after(editor);
    input.focus();
    input.select?.();
    // was: what the change is made for; fresh: the row as somebody else has made it meanwhile. A field that is taken
    // away loses the focus like one that is left, so what is over has to be known.
    const edit = { row, button, editor, input, field, was: value, fresh: null, busy: false, over: false };
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      // Enter would send the form around the list.
      event.preventDefault();
      if (event.key === "Enter") save(edit);
      else close(edit, true);
    });
    // Whoever goes on, or closes a phone's keyboard, is done with it; who looks something up in another window is not,
    // and then the field stays the active one. A value that was refused waits for a better one.
    input.addEventListener("blur", () => {
      if (!edit.over && document.activeElement !== input && !input.classList.contains("is-invalid")) save(edit);
    });
  }

  function choice(value) {
    const select = document.createElement("select");
    for (const status of STATUSES) select.append(new Option(status, status, false, status === value));
    return select;
  }

  function close(edit, takesFocus) {
    const { row, field, fresh } = edit;
    leave(edit, takesFocus);
    if (fresh) put(row, fresh);
    told.textContent = takesFocus ? `The ${field} stays as it is.` : "";
  }

  function leave(edit, takesFocus) {
    edit.over = true;
    edit.editor.remove();
    edit.button.hidden = false;
    if (takesFocus) edit.button.focus();
  }

  async function save(edit) {
    const { row, input, field, was } = edit;
    if (edit.busy) return;
    if (input.value === was) {
      close(edit, document.activeElement === input);
      return;
    }
    edit.busy = true;
    // Not disabled, which would take the focus away.
    input.readOnly = true;
    input.setAttribute("aria-busy", "true");
    const body = new URLSearchParams({ sku: row.dataset.sku, field, value: input.value, was });
    const answer = await ask(list.dataset.rows, { method: "POST", body });
    edit.busy = false;
    input.readOnly = false;
    input.removeAttribute("aria-busy");
    if (answer.row) {
      leave(edit, document.activeElement === input);
      put(row, answer.row);
      note(row, field, answer);
      told.textContent = answer.said;
      return;
    }
    let sentence = answer.error.message;
    if (answer.error.code === "changed_meanwhile") {
      edit.fresh = await rowOf(row.dataset.sku);
      edit.was = valueIn(edit.fresh, field) ?? was;
      sentence += " Enter writes yours all the same, Escape takes theirs.";
    }
    refuse(edit, sentence);
  }

  function refuse({ row, editor, input, field }, sentence) {
    editor.querySelector(".invalid-feedback")?.remove();
    const said = Object.assign(document.createElement("span"), { className: "invalid-feedback", textContent: sentence });
    said.id = `said-${field}-${row.rowIndex}`;
    said.setAttribute("role", "alert");
    input.classList.add("is-invalid");
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", said.id);
    input.after(said);
  }

  // What became of it, and the way back, beside the value.
  function note(row, field, { change, said }) {
    const cell = row.querySelector(`[data-field=${field}]`)?.closest("td");
    if (!cell) return;
    const shown = Object.assign(document.createElement("small"), { className: "cell-said" });
    shown.textContent = change ? "Saved. " : said;
    if (change) {
      const undo = Object.assign(document.createElement("button"), { type: "button", textContent: "Undo" });
      undo.className = "btn btn-link btn-sm";
      undo.addEventListener("click", () => takeBack(row, field, change, shown));
      shown.append(undo);
    }
    cell.append(shown);
  }

  async function takeBack(row, field, change, shown) {
    const answer = await ask(list.dataset.undo.replace("/0/", `/${change}/`), { method: "POST" });
    const html = await rowOf(row.dataset.sku);
    told.textContent = answer.said ?? answer.error.message;
    if (answer.said && html) {
      row.querySelector(`[data-field=${field}]`)?.closest("button")?.focus();
      put(row, html);
      note(row, field, { said: answer.said });
    } else shown.textContent = told.textContent;
  }

  // The row as the server has it now, cell by cell: where somebody is at something else of it, that stays.
  function put(row, html) {
    const made = rowIn(html);
    const active = row.contains(document.activeElement) ? document.activeElement : null;
    const field = active?.querySelector("[data-field]")?.dataset.field;
    for (const [index, cell] of [...made.cells].entries()) {
      const there = row.cells[index];
      const isHeld = there.querySelector(".cell-editor, [type=checkbox]") || (!field && active && there.contains(active));
      if (!isHeld) there.replaceWith(cell);
    }
    row.dataset.title = made.dataset.title;
    equip(row);
    if (field) row.querySelector(`[data-field=${field}]`)?.closest("button")?.focus();
  }

  async function rowOf(sku) {
    try {
      const answer = await fetch(`${list.dataset.rows}?${new URLSearchParams({ sku })}`, { cache: "no-store" });
      return answer.ok && !answer.redirected ? await answer.text() : null;
    } catch {
      return null;
    }
  }

  function rowIn(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.querySelector("tr");
  }

  const valueIn = (html, field) => (html ? rowIn(html).querySelector(`[data-field=${field}]`)?.dataset.value : undefined);

  async function ask(address, options) {
    try {
      // Whoever leaves a field by a link to another page has it saved all the same.
      const answer = await send(address, { ...options, keepalive: true });
      return await answer.json();
    } catch {
      return { error: { code: "lost", message: LOST } };
    }
  }
}
