// What the page can do beyond being read: search, filter and sort its long tables, copy commands.
"use strict";
(() => {
  const STEP = 200; // so many rows are laid out at once: the rest waits for "more"
  const ORDER = new Intl.Collator("en", { numeric: true });

  const lists = (form) => {
    const table = document.getElementById(form.dataset.for);
    const body = table.tBodies[0];
    const output = form.querySelector("output");
    const search = form.querySelector("input");
    const selects = [...form.querySelectorAll("select")];
    const rows = [...body.rows].map((row) => ({ row, text: null, shown: true }));
    const more = document.createElement("button");
    more.type = "button";
    more.className = "more";
    table.after(more);
    let order = rows;
    let limit = STEP;

    const fits = (item) => {
      for (const select of selects) {
        if (!select.value) continue;
        const values = (item.row.getAttribute("data-" + select.dataset.filter) || "").split("|");
        if (!values.includes(select.value)) return false;
      }
      const wanted = search.value.trim().toLowerCase();
      if (!wanted) return true;
      item.text ??= item.row.textContent.toLowerCase();
      return wanted.split(/\s+/).every((word) => item.text.includes(word));
    };

    const draw = () => {
      let found = 0;
      for (const item of order) {
        const fit = fits(item);
        if (fit) found += 1;
        const shown = fit && found <= limit;
        if (shown !== item.shown) {
          item.row.hidden = !shown;
          item.shown = shown;
        }
      }
      const visible = Math.min(found, limit);
      const cut = visible < found ? `, the first ${visible} shown` : "";
      output.textContent = `${found} of ${rows.length} rows${cut}`;
      more.hidden = visible === found;
      more.textContent = `Show ${Math.min(STEP, found - visible)} more of ${found - visible}`;
    };

    const restart = () => {
      limit = STEP;
      draw();
    };

    const key = (item, column) => {
      const cell = item.row.cells[column];
      return cell.dataset.key ?? cell.textContent;
    };

    const sort = (column, heading) => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((item) => [key(item, column), item]);
      keyed.sort((a, b) => (down ? -1 : 1) * ORDER.compare(a[0], b[0]));
      order = keyed.map((pair) => pair[1]);
      body.append(...order.map((item) => item.row));
      restart();
    };

    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      button.addEventListener("click", () => sort(column, heading));
      heading.replaceChildren(button);
    });
    form.addEventListener("input", restart);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(restart));
    more.addEventListener("click", () => {
      limit += STEP;
      draw();
    });
    // Paper has room for all rows that were asked for.
    window.addEventListener("beforeprint", () => {
      limit = Infinity;
      draw();
    });
    window.addEventListener("afterprint", restart);
    form.hidden = false;
    draw();
  };

  const copying = (figure) => {
    const text = figure.querySelector("pre").textContent;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(figure.querySelector("pre"));
        button.textContent = "Selected";
      }
    });
    figure.append(button);
  };

  document.querySelectorAll("form.controls").forEach(lists);
  document.querySelectorAll("[data-copy]").forEach(copying);
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((fold) => {
      fold.dataset.was = String(fold.open);
      fold.open = true;
    });
  });
  window.addEventListener("afterprint", () => {
    document.querySelectorAll("details").forEach((fold) => {
      fold.open = fold.dataset.was === "true";
    });
  });
})();
