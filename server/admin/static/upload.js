// Files are sent in parts, so that a broken connection costs one of them, and any size goes.

import { loginLink, send as sendWithToken } from "./session.js";

const TRIES = 8;

const form = document.querySelector("[data-upload], [data-upload-again]");
if (form) attach();

function attach() {
  const inputs = [...form.querySelectorAll("input[type=file]")];
  const panel = form.querySelector("[data-upload-progress]");
  const bar = panel.querySelector("progress");
  const told = form.querySelector("[data-upload-told]");
  const failed = form.querySelector("[data-upload-failed]");
  let busy = false;

  for (const input of inputs) {
    input.addEventListener("change", () => {
      const files = [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
      if (files.length) send(files);
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("dragged");
  });
  form.addEventListener("dragleave", () => form.classList.remove("dragged"));
  form.addEventListener("drop", async (event) => {
    event.preventDefault();
    form.classList.remove("dragged");
    const files = await dropped(event.dataTransfer);
    if (files.length) send(files);
  });
  window.addEventListener("beforeunload", (event) => {
    if (busy) event.preventDefault();
  });

  async function send(files) {
    if (busy) return;
    busy = true;
    form.dataset.unsent = "";
    failed.textContent = "";
    panel.hidden = false;
    for (const input of inputs) input.disabled = true;
    try {
      const page = await sendAll(files.filter(({ path }) => !/(^|\/)\./.test(path)));
      busy = false;
      delete form.dataset.unsent;
      location.assign(page);
    } catch (error) {
      failed.textContent = error.message;
      if (error.isOut) failed.append(" ", loginLink());
      panel.hidden = true;
      for (const input of inputs) {
        input.disabled = false;
        input.value = "";
      }
    }
    busy = false;
  }

  async function sendAll(files) {
    const all = files.reduce((sum, { file }) => sum + file.size, 0);
    const began = await begin(files, all);
    const progress = { sent: 0, all, since: Date.now(), first: 0 };
    for (const { path, file } of files) {
      const here = Math.min(began.files?.[path] ?? 0, file.size);
      progress.sent += here;
      progress.first += here;
      await sendFile(began, path, file, here, progress);
    }
    const { page } = await ask(`${base(began.run)}/uploaded`, { method: "POST" });
    return page;
  }

  async function begin(files, bytes) {
    if (!files.length) throw new Error("There is no file in it.");
    if (form.dataset.uploadAgain) {
      const began = await ask(form.dataset.uploadAgain);
      if (began.bytes !== bytes) throw new Error("These are not the same files: their size is another one.");
      return began;
    }
    const body = JSON.stringify({ paths: files.map(({ path }) => path), bytes });
    return ask(form.dataset.upload, { method: "POST", body, headers: { "Content-Type": "application/json" } });
  }

  async function sendFile(began, path, file, here, progress) {
    let offset = here;
    // An empty file is sent too.
    do {
      const part = file.slice(offset, offset + began.part_bytes);
      const address = `${base(began.run)}/file?${new URLSearchParams({ path, offset })}`;
      const { received } = await ask(address, { method: "PUT", body: part });
      progress.sent += received - offset;
      offset = received;
      show(progress);
    } while (offset < file.size);
  }

  function show({ sent, all, since, first }) {
    bar.value = all ? sent / all : 1;
    const rate = (sent - first) / Math.max((Date.now() - since) / 1000, 0.001);
    const left = rate ? `, ${Math.ceil((all - sent) / rate)} s left` : "";
    told.textContent = `${megabytes(sent)} of ${megabytes(all)} MB sent${left}`;
  }

  // The answer's JSON. A lost connection is tried again; what the server refuses is not.
  async function ask(address, options = {}) {
    for (let attempt = 1; ; attempt += 1) {
      let answer;
      try {
        answer = await sendWithToken(address, options);
      } catch {
        answer = null;
      }
      if (answer?.ok && !answer.redirected) return answer.json();
      const received = answer?.headers.get("X-Received");
      // The part before had arrived, and only its answer was lost.
      if (received) return { received: Number(received) };
      if (answer && answer.status < 500) {
        const said = await answer.json().catch(() => null);
        const error = new Error(said?.error?.message ?? "The server did not take it. Load the page again.");
        throw Object.assign(error, { isOut: answer.status === 401 || answer.redirected });
      }
      if (attempt === TRIES) throw new Error("The connection is lost. Choose the same files again to go on.");
      told.textContent = "The connection is lost; trying again …";
      await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** attempt, 15000)));
    }
  }

  const base = (run) => (form.dataset.upload ?? form.dataset.uploadAgain).replace(/\/(begin|\d+\/received)$/, `/${run}`);
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

// Files of what was dropped, folders opened.
async function dropped(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...data.files].map((file) => ({ path: file.name, file }));
  const found = [];
  for (const entry of entries) await open(entry, found);
  return found;
}

async function open(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ path: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A folder tells a hundred at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) await open(one, found);
  }
}
