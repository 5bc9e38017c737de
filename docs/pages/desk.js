// What a browser with scripts adds to the form. Without them each of these is a button or a page.
"use strict";
document.documentElement.classList.add("js");

const form = document.getElementById("request");
const AFTER = 700; // milliseconds of quiet before what is typed is looked at

// What is told at the top is read first.
const first = document.querySelector("[autofocus]");
if (first) first.focus({ preventScroll: false });

if (form) {
  const touched = new Set();
  let dirty = form.hasAttribute("data-unsaved"), sending = false, timer = 0, asked = 0;

  // ---- Looking at what is typed, while it is typed ----

  const look = async () => {
    const mine = ++asked;
    const typed = new FormData(form);
    for (const [name, value] of [...typed]) if (value instanceof File) typed.delete(name);
    let told;
    try {
      const answer = await fetch("/check", { method: "POST", body: new URLSearchParams(typed), headers: { accept: "application/json" } });
      if (!answer.ok) return;
      told = await answer.json();
    } catch { return; }
    if (mine !== asked) return;
    const [count, words] = [form.querySelector("[data-left]"), form.querySelector("[data-left-words]")];
    if (count.textContent !== String(told.left)) count.textContent = told.left;
    words.textContent = told.left === 1 ? "answer left" : "answers left";
    for (const name of touched) tell(name, told.at[name] || []);
  };

  const tell = (name, found) => {
    const place = form.querySelector(`[data-errors="${CSS.escape(name)}"]`);
    if (!place) return;
    place.replaceChildren(...found.map(([weight, sentence]) => {
      const line = document.createElement("p"), mark = document.createElement("b");
      line.className = weight;
      mark.textContent = weight === "wrong" ? "To mend: " : "To look at: ";
      line.append(mark, sentence);
      return line;
    }));
    const wrong = found.some(([weight]) => weight === "wrong");
    place.closest(".field, td")?.classList.toggle("wrong", wrong);
    for (const each of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (each.type === "radio" || each.type === "checkbox") continue;
      if (wrong) each.setAttribute("aria-invalid", "true"); else each.removeAttribute("aria-invalid");
    }
  };

  const soon = () => { clearTimeout(timer); timer = setTimeout(look, AFTER); };
  form.addEventListener("input", (event) => {
    dirty = true;
    const sheet = event.target.closest("textarea.sheet");
    if (sheet) preview(sheet);
    soon();
  });
  form.addEventListener("change", (event) => {
    if (event.target.type === "file") return measure(event.target);
    if (event.target.name) touched.add(event.target.name);
    soon();
  });

  // ---- Leaving ----

  form.addEventListener("submit", (event) => {
    if (sending) { event.preventDefault(); return; }
    sending = true;
    setTimeout(() => { for (const each of form.querySelectorAll(".bar button")) each.disabled = true; }, 0);
  });
  addEventListener("pageshow", () => {
    sending = false;
    for (const each of form.querySelectorAll(".bar button")) each.disabled = false;
  });
  addEventListener("beforeunload", (event) => { if (dirty && !sending) event.preventDefault(); });

  // ---- Files ----

  const measure = (input) => {
    const limit = Number(input.dataset.megabytes), file = input.files[0];
    const place = document.getElementById("upload-error");
    place.replaceChildren();
    if (!file || file.size <= limit * 2 ** 20) return;
    const line = document.createElement("p");
    line.className = "wrong";
    line.textContent = `${file.name} is larger than ${limit} MB: a few thousand rows are enough.`;
    place.append(line);
    input.value = "";
  };

  // ---- Tables of rows ----

  const rename = (row, before, after) => {
    const dashed = (path) => "q-" + path.replaceAll(".", "-");
    const swap = (text) => text.replaceAll(before + ".", after + ".").replaceAll(dashed(before) + "-", dashed(after) + "-");
    for (const each of [row, ...row.querySelectorAll("*")]) {
      for (const { name, value } of [...each.attributes]) {
        if (["id", "name", "for", "list", "aria-describedby", "data-errors"].includes(name)) each.setAttribute(name, swap(value));
      }
    }
  };

  const more = (table) => {
    const rows = table.querySelectorAll("tbody tr"), last = rows[rows.length - 1];
    const row = last.cloneNode(true), path = table.dataset.rows;
    const before = Number(last.dataset.row), after = before + 1;
    rename(row, `${path}.${before}`, `${path}.${after}`);
    row.id = "q-" + `${path}.${after}`.replaceAll(".", "-");
    row.dataset.row = after;
    row.querySelector(".number").textContent = rows.length + 1;
    for (const each of row.querySelectorAll("label .sr, .take .sr")) each.textContent = each.textContent.replace(/\d+/, rows.length + 1);
    row.querySelector(".take button").value = `remove:${path}.${after}`;
    for (const each of row.querySelectorAll(".errors")) each.replaceChildren();
    for (const each of row.querySelectorAll("input, select, textarea")) { each.value = ""; each.removeAttribute("aria-invalid"); }
    for (const each of row.querySelectorAll("select option, .wrong")) { each.removeAttribute("selected"); each.classList.remove("wrong"); }
    table.querySelector("tbody").append(row);
    return row;
  };

  const cells = (row) => [...row.querySelectorAll("td input, td select, td textarea")];

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=action]");
    if (!button) return;
    const [word, path] = button.value.split(":");
    if (word === "add") {
      event.preventDefault();
      cells(more(form.querySelector(`[data-rows="${CSS.escape(path)}"]`)))[0].focus();
    } else if (word === "remove" && button.closest("[data-rows]")) {
      event.preventDefault();
      const row = button.closest("tr"), table = row.closest("[data-rows]");
      if (table.querySelectorAll("tbody tr").length === 1) more(table);
      const next = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      table.querySelectorAll("tbody .number").forEach((each, n) => { each.textContent = n + 1; });
      cells(next)[0].focus();
      dirty = true;
      soon();
    }
  });

  // A block that was copied from a spreadsheet fills cells across and down.
  form.addEventListener("paste", (event) => {
    const table = event.target.closest("[data-rows]");
    const text = event.clipboardData.getData("text/plain").replaceAll("\r\n", "\n").replace(/\n$/, "");
    if (!table || !/[\t\n]/.test(text)) return;
    event.preventDefault();
    let row = event.target.closest("tr");
    const column = cells(row).indexOf(event.target);
    let lines = grid(text, "\t");
    // The names of the columns may come along: then they say where each belongs.
    const titles = [...table.querySelectorAll("thead th")].slice(1, -1).map((each) => simple(each.firstChild.textContent));
    const named = lines[0].map((each) => titles.indexOf(simple(each)));
    const order = lines.length > 1 && lines[0].length > 1 && named.every((each) => each >= 0) ? named : null;
    if (order) lines = lines.slice(1);
    for (const line of lines) {
      const there = cells(row);
      line.forEach((value, n) => { const cell = there[order ? order[n] : column + n]; if (cell) put(cell, value); });
      if (line !== lines[lines.length - 1]) row = row.nextElementSibling || more(table);
    }
    dirty = true;
    soon();
  });

  const simple = (text) => text.trim().toLowerCase().replaceAll("_", " ");

  const put = (cell, value) => {
    const text = value.trim();
    if (cell.tagName !== "SELECT") { cell.value = text; }
    else {
      const words = { true: "yes", y: "yes", x: "yes", "1": "yes", false: "no", n: "no", "0": "no" };
      const wanted = words[text.toLowerCase()] || simple(text);
      let option = [...cell.options].find((each) => [simple(each.value), simple(each.textContent)].includes(wanted));
      if (!option) { option = new Option(text, text); cell.add(option); }
      cell.value = option.value;
    }
    touched.add(cell.name);
  };

  // ---- Sheets ----

  const grid = (text, delimiter) => {
    const rows = [[""]];
    let quoted = false;
    for (let n = 0; n < text.length; n++) {
      const row = rows[rows.length - 1], mark = text[n];
      if (quoted && mark === '"' && text[n + 1] === '"') { row[row.length - 1] += '"'; n++; }
      else if (quoted && mark === '"') quoted = false;
      else if (!quoted && mark === '"' && row[row.length - 1] === "") quoted = true;
      else if (!quoted && mark === delimiter) row.push("");
      else if (!quoted && mark === "\n") rows.push([""]);
      else row[row.length - 1] += mark;
    }
    return rows;
  };

  const preview = (sheet) => {
    const place = form.querySelector(`[data-preview="${sheet.id}"]`), text = sheet.value.trim();
    place.replaceChildren();
    if (!text) return;
    const line = text.split("\n", 1)[0];
    const delimiter = line.includes("\t") ? "\t" : line.split(";").length > line.split(",").length ? ";" : ",";
    const table = document.createElement("table");
    table.className = "sheet";
    grid(text, delimiter).slice(0, 200).forEach((cellsOf, n) => {
      const row = (n ? table.tBodies[0] || table.createTBody() : table.createTHead()).insertRow();
      for (const value of cellsOf) {
        const cell = document.createElement(n ? "td" : "th");
        if (!n) cell.scope = "col";
        cell.textContent = value;
        row.append(cell);
      }
    });
    place.append(table);
  };

  // A tab is a cell of a sheet only when it is pasted: the key goes on to the next field.
  form.querySelectorAll("textarea.sheet").forEach((each) => { if (each.value.trim()) preview(each); });
}
