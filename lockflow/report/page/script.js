"use strict";
/* The matrix of packages and platforms: filter, sort, details of a cell, all of it by keyboard too.

   Rows are made once for each way of showing Pythons, and afterwards only hidden and reordered. Everything that comes
   out of a lock reaches the page as text, never as markup. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const STATUS = {
    missing: { sign: "✕", word: "missing", rank: 0 },
    python: { sign: "◆", word: "python", rank: 1 },
    sdist: { sign: "▲", word: "sdist", rank: 2 },
    refused: { sign: "⊘", word: "refused", rank: 3 },
    built: { sign: "■", word: "built", rank: 4 },
    wheel: { sign: "✓", word: "wheel", rank: 5 },
  };
  const NOT_NEEDED = 9;
  const AT_ONCE = 100;
  const PROBLEMS = new Set(["missing", "refused", "python", "sdist"]);
  const EVIDENCE = {
    tags: "the tag rules of the platform's definition",
    probe: "the real interpreter in the platform's container",
    install: "an install in the platform's container",
  };
  const byId = (id) => document.getElementById(id);
  const table = byId("matrix");
  const panel = byId("panel");
  const search = byId("search");
  const kinds = [...document.querySelectorAll("#show input")];
  const shown = () => kinds.find((kind) => kind.checked).value;
  const apart = byId("apart");

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const chip = (status, more = "") => {
    const { sign, word } = STATUS[status];
    return make("span", { class: `chip ${status}` }, make("i", { "aria-hidden": "true" }, sign),
      make("span", {}, more ? `${word} ${more}` : word));
  };

  // What a cell holds ---------------------------------------------------------------------------------------------

  const packages = data.packages.map(([name, version, entries, cells]) => ({ name, version, entries, cells }));
  const columnsOf = (isApart) => data.platforms.flatMap((platform, index) => isApart
    ? platform.pythons.map((_, python) => ({ platform: index, pythons: [python], isFirst: python === 0 }))
    : [{ platform: index, pythons: platform.pythons.map((_, python) => python), isFirst: false }]);

  /* Entries of a package on some Pythons of a platform, those that are the same put together. */
  const groups = (item, column) => {
    const found = new Map();
    const cell = item.cells[column.platform];
    for (const python of column.pythons) {
      const refusal = data.platforms[column.platform].refusals[python];
      const number = Array.isArray(cell) ? cell[python] : cell;
      const key = refusal ? -2 : number;
      if (key === -1) continue;
      if (!found.has(key)) {
        const entry = refusal ? { status: "refused", reason: refusal } : item.entries[key];
        found.set(key, { entry, pythons: [] });
      }
      found.get(key).pythons.push(data.platforms[column.platform].pythons[python]);
    }
    return [...found.values()].sort((a, b) => STATUS[a.entry.status].rank - STATUS[b.entry.status].rank);
  };
  const byStatus = (item, column) => {
    const found = new Map();
    for (const { entry, pythons } of groups(item, column)) {
      found.set(entry.status, [...(found.get(entry.status) ?? []), ...pythons]);
    }
    const order = data.platforms[column.platform].pythons;
    for (const pythons of found.values()) pythons.sort((a, b) => order.indexOf(a) - order.indexOf(b));
    return [...found];
  };

  // The table -----------------------------------------------------------------------------------------------------

  const views = new Map();
  let view;
  let sort = { column: -2, isDescending: false };

  /* With one column for each Python there are thousands of cells: a sign does, and the word is its name. */
  const cellFor = (column, isApart, found) => {
    const cell = blank.cloneNode();
    if (!found.length) {
      cell.className = "none";
      cell.textContent = "·";
      cell.ariaLabel = data.platforms[column.platform].pythons.length ? "not needed" : "not judged";
    } else if (isApart) {
      const { sign, word } = STATUS[found[0][0]];
      cell.className = `sign ${found[0][0]}`;
      cell.textContent = sign;
      cell.ariaLabel = word;
    } else {
      for (const [status, pythons] of found) cell.append(chip(status, found.length > 1 ? short(pythons) : ""));
    }
    if (column.isFirst) cell.classList.add("first");
    return cell;
  };
  const blank = make("td", { tabindex: "-1", role: "gridcell" });
  /* 3.11, 3.12, 3.13 as 3.11–3.13. */
  const short = (pythons) => {
    const runs = [];
    for (const python of pythons) {
      const last = runs.at(-1);
      const [major, minor] = python.split(".").map(Number);
      if (last && last.major === major && last.to + 1 === minor) last.to = minor;
      else runs.push({ major, from: minor, to: minor });
    }
    return runs.map((run) => (run.from === run.to ? `${run.major}.${run.from}` : `${run.major}.${run.from}–${run.major}.${run.to}`)).join(", ");
  };

  const build = (isApart) => {
    const columns = columnsOf(isApart);
    const heads = [make("th", { scope: "col", role: "columnheader" }, make("button", { type: "button", tabindex: "-1" }, "Package"))];
    for (const column of columns) {
      const platform = data.platforms[column.platform];
      const label = isApart
        ? [make("small", {}, ...platform.name.split(/(?<=\/)/).flatMap((part) => [part, make("wbr")])), platform.pythons[column.pythons[0]]]
        : [platform.name];
      const head = make("th", { scope: "col", role: "columnheader", title: platform.name },
        make("button", { type: "button", tabindex: "-1" }, ...label));
      if (column.isFirst) head.classList.add("first");
      heads.push(head);
    }
    const rows = packages.map((item) => {
      const name = make("th", { scope: "row", role: "rowheader", tabindex: "-1" }, item.name, " ", make("span", {}, item.version));
      const found = columns.map((column) => byStatus(item, column));
      const row = make("tr", { role: "row" }, name, ...columns.map((column, at) => cellFor(column, isApart, found[at])));
      const statuses = new Set(item.entries.map((entry) => entry.status));
      const text = `${item.name} ${item.version} ${item.entries.map((entry) => entry.file ?? "").join(" ")}`.toLowerCase();
      return { item, row, statuses, text, ranks: found.map((states) => (states.length ? STATUS[states[0][0]].rank : NOT_NEEDED)) };
    });
    return { isApart, columns, heads, rows };
  };

  const isWanted = ({ item, statuses, text }, words, wanted, platforms) => {
    if (!words.every((word) => text.includes(word))) return false;
    const here = new Set();
    item.cells.forEach((cell, platform) => {
      if (!platforms[platform]) return;
      for (const number of Array.isArray(cell) ? cell : [cell]) if (number >= 0) here.add(item.entries[number].status);
    });
    if (!here.size) return wanted === "all" && platforms.every(Boolean);
    if (wanted === "all") return true;
    if (wanted === "problems") return [...here].some((status) => PROBLEMS.has(status));
    return statuses.has(wanted) && here.has(wanted);
  };

  const compare = (a, b) => {
    const byName = () => (a.item.name < b.item.name ? -1 : a.item.name > b.item.name ? 1 : 0);
    let order = 0;
    if (sort.column === -2) order = Math.min(...shownRanks(a)) - Math.min(...shownRanks(b)) || worst(b) - worst(a);
    else if (sort.column === -1) order = byName();
    else order = a.ranks[sort.column] - b.ranks[sort.column];
    return (sort.isDescending ? -order : order) || byName();
  };
  const shownRanks = (row) => [NOT_NEEDED, ...row.ranks.filter((_, index) => isShown(view.columns[index]))];
  const worst = (row) => shownRanks(row).filter((value) => value < STATUS.built.rank).length;
  const isShown = (column) => boxes[column.platform].checked;

  const update = () => {
    const isApart = apart.checked;
    if (!views.has(isApart)) views.set(isApart, build(isApart));
    if (view !== views.get(isApart)) {
      view = views.get(isApart);
      if (sort.column >= 0) sort = { column: -2, isDescending: false };
      table.classList.toggle("apart", isApart);
      // The first column is wider than this only where there is room for it.
      table.style.minWidth = isApart ? `${9 + 4.2 * view.columns.length}rem` : `${9 + 8 * view.columns.length}rem`;
      table.tHead.rows[0].replaceChildren(...view.heads);
    }
    const platforms = boxes.map((box) => box.checked);
    const wanted = shown();
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = view.rows.filter((row) => isWanted(row, words, wanted, platforms)).sort(compare);
    view.columns.forEach((column, index) => {
      const isHidden = !isShown(column);
      if (view.heads[index + 1].hidden === isHidden) return;
      view.heads[index + 1].hidden = isHidden;
      for (const { row } of view.rows) row.cells[index + 1].hidden = isHidden;
    });
    view.heads.forEach((head, index) => {
      const isSorted = sort.column === index - 1;
      head.setAttribute("aria-sort", isSorted ? (sort.isDescending ? "descending" : "ascending") : "none");
    });
    fill(rows.map(({ row }) => row));
    byId("count").textContent = rows.length === packages.length
      ? `${packages.length} ${packages.length === 1 ? "package" : "packages"}`
      : `${rows.length} of ${packages.length} packages`;
    byId("nothing").hidden = rows.length > 0;
    byId("sort").value = sort.column === -2 ? "worst" : sort.column === -1 ? "name" : "column";
    byId("by-column").hidden = sort.column < 0;
    settleFocus();
  };

  /* A screenful is there at once, the others follow before anybody gets to them. */
  let waiting = [];
  const fill = (rows) => {
    table.tBodies[0].replaceChildren(...rows.slice(0, AT_ONCE));
    waiting = rows.slice(AT_ONCE);
    setTimeout(fillOn);
  };
  const fillOn = () => {
    if (!waiting.length) return;
    table.tBodies[0].append(...waiting.splice(0, AT_ONCE));
    setTimeout(fillOn);
  };
  const fillAll = () => table.tBodies[0].append(...waiting.splice(0));

  // Moving about --------------------------------------------------------------------------------------------------

  let current = null;
  const target = (cell) => cell.querySelector("button") ?? cell;
  /* One cell is in the order of Tab; arrows move from there. */
  const settleFocus = () => {
    const first = table.tBodies[0].rows[0]?.cells[0] ?? table.tHead.rows[0].cells[0];
    if (current === null || !current.isConnected || current.closest("td, th").hidden) setCurrent(target(first));
  };
  const setCurrent = (element) => {
    if (current !== null) current.tabIndex = -1;
    current = element;
    current.tabIndex = 0;
  };
  const visible = (row) => [...row.cells].filter((cell) => !cell.hidden);
  const move = (event) => {
    const cell = event.target.closest("td, th");
    if (cell === null || event.altKey || event.metaKey) return;
    fillAll();
    const rows = [table.tHead.rows[0], ...table.tBodies[0].rows];
    const row = rows.indexOf(cell.parentElement);
    const cells = visible(cell.parentElement);
    const column = cells.indexOf(cell);
    const page = Math.max(1, Math.floor(table.parentElement.clientHeight / 34) - 2);
    const steps = {
      ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1], ArrowDown: [row + 1, column], ArrowUp: [row - 1, column],
      PageDown: [row + page, column], PageUp: [row - page, column],
      Home: [event.ctrlKey ? 1 : row, 0], End: [event.ctrlKey ? rows.length - 1 : row, cells.length - 1],
    };
    if (event.key in steps) {
      const [toRow, toColumn] = steps[event.key];
      const next = visible(rows[Math.min(Math.max(toRow, 0), rows.length - 1)]);
      setCurrent(target(next[Math.min(Math.max(toColumn, 0), next.length - 1)]));
      current.focus();
      keepInView(current.closest("td, th"));
      event.preventDefault();
    } else if ((event.key === "Enter" || event.key === " ") && cell.closest("tbody")) {
      open(cell);
      event.preventDefault();
    }
  };
  /* The browser scrolls a cell into view, but not out from under what sticks. */
  const keepInView = (cell) => {
    const box = table.parentElement;
    const head = table.tHead.getBoundingClientRect();
    const side = table.tHead.rows[0].cells[0].getBoundingClientRect();
    const place = cell.getBoundingClientRect();
    if (cell.closest("tbody") && place.top < head.bottom) box.scrollTop -= head.bottom - place.top;
    if (cell.cellIndex > 0 && place.left < side.right) box.scrollLeft -= side.right - place.left;
  };

  // Details -------------------------------------------------------------------------------------------------------

  let opener = null;
  const fact = (list, name, ...values) => list.append(make("dt", {}, name), make("dd", {}, ...values));
  const evidence = (platform, pythons) => {
    const own = platform.evidence[platform.pythons.indexOf(pythons[0])];
    const lines = pythons.length === 1 ? [own] : platform.together;
    return lines.filter(Boolean).length ? lines : [EVIDENCE[platform.level] ?? platform.level];
  };
  /* What is to be written stands in quotes, and is to be seen as that. */
  const quoted = (text) => text.split(/(".+?")/).map((part, at) => (at % 2 ? make("code", {}, part) : part));
  const section = (item, column) => {
    const platform = data.platforms[column.platform];
    const found = groups(item, column);
    const part = make("section", {}, make("h3", {}, platform.name));
    if (!found.length) {
      part.append(make("p", {}, platform.pythons.length ? "Nothing requires it there." : `Not judged: ${platform.fault}`));
    }
    for (const { entry, pythons } of found) {
      part.append(make("h3", {}, chip(entry.status), `Python ${short(pythons)}`));
      const facts = make("dl", { class: "facts" });
      if (entry.reason) fact(facts, entry.status === "built" ? "Allowed" : "Why", entry.reason);
      if (entry.file) fact(facts, "File", make("code", {}, entry.file));
      if (entry.tag) fact(facts, "Tag", make("code", {}, entry.tag));
      if (entry.chain) fact(facts, "Required by", make("ol", { class: "chain" }, ...entry.chain.map(([name, condition]) =>
        make("li", {}, make("code", {}, name), condition ? ` ${condition}` : ""))));
      if (entry.advice) fact(facts, "What helps", make("ul", {}, ...entry.advice.map((text) => make("li", {}, ...quoted(text)))));
      if (entry.status !== "refused") fact(facts, "Evidence", ...evidence(platform, pythons).map((text) => make("p", {}, text)));
      part.append(facts);
    }
    return part;
  };
  const open = (cell) => {
    const known = view.rows.find(({ row }) => row === cell.parentElement);
    if (known === undefined) return;
    const { item } = known;
    const index = cell.cellIndex - 1;
    const columns = index >= 0 ? [view.columns[index]] : columnsOf(false).filter(isShown);
    byId("panel-title").textContent = `${item.name} ${item.version}`;
    byId("panel-body").replaceChildren(...columns.map((column) => section(item, column)));
    opener = cell;
    setCurrent(target(cell));
    panel.hidden = false;
    document.body.classList.add("has-panel");
    panel.scrollTop = 0;
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    keepInView(cell);
    byId("panel-title").focus();
  };
  const close = () => {
    if (panel.hidden) return;
    panel.hidden = true;
    document.body.classList.remove("has-panel");
    (opener !== null && opener.isConnected ? opener : current).focus();
  };

  // Wiring --------------------------------------------------------------------------------------------------------

  const boxes = data.platforms.map((platform) => {
    const box = make("input", { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", update);
    byId("platforms").append(make("label", {}, box, platform.name));
    return box;
  });
  const counts = new Map();
  for (const item of packages) {
    const statuses = new Set(item.entries.map((entry) => entry.status));
    if ([...statuses].some((status) => PROBLEMS.has(status))) statuses.add("problems");
    for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  for (const kind of kinds) {
    const count = kind.value === "all" ? packages.length : counts.get(kind.value) ?? 0;
    kind.parentElement.querySelector("small").textContent = count;
    kind.disabled = count === 0 && kind.value !== "all";
    kind.addEventListener("change", update);
  }
  search.form.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", update);
  apart.addEventListener("change", update);
  byId("sort").addEventListener("change", (event) => {
    sort = { column: event.target.value === "name" ? -1 : -2, isDescending: false };
    update();
  });
  table.addEventListener("keydown", move);
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td, th");
    if (cell === null) return;
    if (cell.closest("thead")) {
      const column = cell.cellIndex - 1;
      sort = { column, isDescending: sort.column === column && !sort.isDescending };
      setCurrent(target(cell));
      update();
    } else if (!String(getSelection())) {
      open(cell);
    }
  });
  byId("close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) {
      close();
    } else if (event.key === "Escape" && event.target === search && search.value) {
      search.value = "";
      update();
    } else if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.matches("select, input[type=search]")) {
      search.focus();
      event.preventDefault();
    }
  });
  addEventListener("beforeprint", () => {
    fillAll();
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  byId("explorer").hidden = false;
  update();
})();
