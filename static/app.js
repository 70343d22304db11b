// Makes pages quicker; every page works without it.
"use strict";
(() => {
  const typing = (element) => element && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
  const palette = document.getElementById("palette");
  const results = document.getElementById("palette-results");
  const field = palette?.querySelector("input");
  let asked = 0;
  let timer;

  const suggest = async () => {
    const turn = ++asked;
    const q = field.value.trim();
    if (!q) { results.replaceChildren(); return; }
    try {
      const answer = await fetch(`/search/suggestions?q=${encodeURIComponent(q)}`);
      const text = answer.ok ? await answer.text() : "";
      // An answer that comes after a later question's is dropped.
      if (turn === asked) results.innerHTML = text;
    } catch {
      if (turn === asked) results.textContent = "No answer. Press Enter to search.";
    }
  };

  field?.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(suggest, 120); });
  palette?.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const stops = [field, ...results.querySelectorAll("a")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
  });
  palette?.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      palette?.showModal();
      field?.select();
    } else if (event.key === "/" && !typing(document.activeElement)) {
      event.preventDefault();
      document.querySelector(".find input")?.focus();
    }
  });

  // A filter takes effect when it is chosen; the button stays for those without scripts.
  const facets = document.querySelector("form.facets");
  facets?.addEventListener("change", (event) => {
    if (event.target.matches("input[type=checkbox], select")) facets.requestSubmit();
  });

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    });
  }

  // Long work says that it is under way, and is not begun twice.
  for (const form of document.querySelectorAll("form[data-long]")) {
    form.addEventListener("submit", () => {
      const button = form.querySelector("button.main");
      const bar = document.createElement("progress");
      bar.setAttribute("aria-label", "Under way");
      button.disabled = true;
      button.after(bar);
    });
  }

  // All rows of a page at once.
  for (const all of document.querySelectorAll("[data-all]")) {
    all.addEventListener("change", () => {
      for (const box of document.querySelectorAll(`input[form="${all.dataset.all}"]`)) box.checked = all.checked;
    });
  }

  // A long list of scopes is narrowed by typing.
  for (const filter of document.querySelectorAll("[data-filter]")) {
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/);
      for (const item of document.getElementById(filter.dataset.filter).children) {
        const text = item.textContent.toLowerCase();
        item.hidden = !words.every((word) => text.includes(word));
      }
    });
    filter.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }

  // Answers are saved as they are given; what they lead to appears, and what they do not goes.
  for (const form of document.querySelectorAll("form[data-autosave]")) {
    const said = document.querySelector("[data-saved]");
    let pending = Promise.resolve();
    const files_of = () => [...form.querySelectorAll("input[type=file]")].filter((input) => input.files.length);
    const save = async () => {
      // What is sent now; what is chosen meanwhile waits for the next turn.
      const sent = new Map(files_of().map((input) => [input, input.files[0]]));
      const taken = (input) => { if (sent.has(input) && input.files[0] === sent.get(input)) input.value = ""; };
      try {
        const answer = await fetch(form.getAttribute("action"), {
          method: "POST",
          headers: { accept: "application/json" },
          body: new FormData(form),
        });
        if (answer.status === 413) {
          for (const input of sent.keys()) taken(input);
          said.textContent = "Not saved: this file is too large. What you typed is saved with the next answer.";
          return;
        }
        if (answer.redirected) {
          said.textContent = "Not saved: you are signed out. Copy what you typed, then sign in again.";
          return;
        }
        if (!answer.ok) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const reason = page.querySelector("h1 + p")?.textContent.trim();
          said.textContent = reason ? `Not saved: ${reason}` : "Not saved. Press Save.";
          return;
        }
        const { progress, asked, carried, files, errors } = await answer.json();
        for (const question of form.querySelectorAll("[data-question]")) {
          const key = question.dataset.question;
          const open = asked.includes(key);
          question.hidden = !open;
          question.querySelector("input[name^='shown.']").disabled = !open;
          if (!carried.includes(key)) question.querySelector(".carried")?.remove();
          // A file that was taken is shown by its name, and not sent again.
          const given = question.querySelector("[data-files]");
          const names = files[key] ?? [];
          if (names.length !== given.children.length) {
            taken(question.querySelector("input[type=file]"));
            given.hidden = !names.length;
            given.replaceChildren(...names.map((name) => {
              const chip = document.createElement("span");
              chip.className = "chip";
              chip.textContent = name;
              return chip;
            }));
          }
        }
        const left = document.querySelector("[data-carried-count]");
        if (left) {
          const open = carried.filter((key) => asked.includes(key)).length;
          left.textContent = open;
          left.closest("[data-carried]").hidden = !open;
        }
        const bar = document.querySelector("[data-progress]");
        bar.value = progress.asked ? (100 * progress.answered) / progress.asked : 0;
        document.querySelector("[data-progress-text]").textContent = `${progress.answered} of ${progress.asked} answered`;
        said.textContent = errors.length ? `Not saved: ${errors[0][1]}` : "Saved";
        // A file that was refused is not sent again; one whose turn did not come is.
        for (const [pointer] of errors) {
          const key = /^\/(.+)\/file$/.exec(pointer)?.[1];
          if (key) taken(form.querySelector(`input[name='file.${CSS.escape(key)}']`));
        }
      } catch {
        said.textContent = "Not saved. Press Save.";
      }
    };
    // One at a time, in the order in which things were typed.
    form.addEventListener("change", () => { pending = pending.then(save); });
    // What is on its way arrives before the form does, so that no file goes twice.
    let waited = false;
    form.addEventListener("submit", (event) => {
      if (waited || !files_of().length) return;
      event.preventDefault();
      pending = pending.then(() => { waited = true; form.requestSubmit(event.submitter); });
    });
  }

  // On a list j and k go from row to row, o opens; on a request a approves, r rejects, j takes the next one.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(document.activeElement)) return;
    const decision = document.querySelector("form[data-decide]");
    const press = (verdict) => {
      const reason = decision.querySelector("textarea[name=reason]");
      if (reason.value.trim()) decision.requestSubmit(decision.querySelector(`button[value=${verdict}]`));
      else reason.focus();
      event.preventDefault();
    };
    if (decision && event.key === "a") return press("approve");
    if (decision && event.key === "r") return press("reject");
    const next = document.querySelector("a[data-next]");
    if (next && event.key === "j") { next.click(); return; }
    const rows = [...document.querySelectorAll("main table a.row-link")];
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement);
    if (event.key === "j") rows[Math.min(at + 1, rows.length - 1)].focus();
    else if (event.key === "k") rows[Math.max(at - 1, 0)].focus();
    else if (event.key === "o" && at >= 0) rows[at].click();
  });

  // Names are completed while an expression is typed; a name from the list goes where the cursor last was.
  let edited = document.querySelector("[data-names]");
  const put = (field, name, length) => {
    const end = field.selectionStart;
    field.setRangeText(name, end - length, end, "end");
    field.parentElement.querySelector("[data-completions]").replaceChildren();
    field.focus();
  };
  for (const field of document.querySelectorAll("[data-names]")) {
    const names = [...document.querySelectorAll(`#${field.dataset.names} [data-insert]`)].map((b) => b.dataset.insert);
    const offered = field.parentElement.querySelector("[data-completions]");
    const token = () => /[\w.]*$/.exec(field.value.slice(0, field.selectionStart))[0];
    const offer = () => {
      const word = token();
      // Entries of a list are named by what stands before the dot: f.sensitivity is data_flows[].sensitivity.
      const known = names.map((name) => name.replace(/^.*\[\]\./, word.includes(".") ? `${word.split(".")[0]}.` : "\0"));
      const found = word.length < 2 ? [] : [...new Set(known)].filter((name) => name.startsWith(word) && name !== word).slice(0, 8);
      offered.replaceChildren(...found.map((name) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "chip";
        button.textContent = name;
        button.addEventListener("click", () => put(field, name, token().length));
        return button;
      }));
    };
    field.addEventListener("focus", () => { edited = field; });
    field.addEventListener("input", offer);
    field.addEventListener("keydown", (event) => {
      const first = offered.querySelector("button");
      if (event.key === "Tab" && first && !event.shiftKey) { event.preventDefault(); first.click(); }
      if (event.key === "Escape") offered.replaceChildren();
    });
  }
  if (edited) {
    for (const button of document.querySelectorAll("[data-insert]")) {
      button.addEventListener("click", () => put(edited, button.dataset.insert.replace(/^.*\[\]\./, ""), 0));
    }
  }

  // A class taken from the tree goes into the first row that is still empty.
  for (const take of document.querySelectorAll("[data-take]")) {
    take.addEventListener("click", () => {
      const rows = take.closest(".field").querySelectorAll("tbody tr");
      const free = [...rows].map((row) => row.querySelector("input")).find((input) => input && !input.value);
      if (!free) return;
      free.value = take.dataset.take;
      free.dispatchEvent(new Event("input", { bubbles: true }));
      free.focus();
    });
  }

  // Suggestions for a field follow what is typed into it.
  for (const form of document.querySelectorAll("form[data-suggest]")) {
    for (const input of form.querySelectorAll("input[list]")) {
      if (!["api", "system"].includes(input.name)) continue;
      let wait;
      input.addEventListener("input", () => {
        clearTimeout(wait);
        wait = setTimeout(async () => {
          const asked = input.value;
          const query = new URLSearchParams({ field: input.name, q: asked });
          const answer = await fetch(`${form.dataset.suggest}?${query}`).catch(() => null);
          if (answer?.ok && input.value === asked) input.list.innerHTML = await answer.text();
        }, 150);
      });
    }
  }

  // What is typed is kept before it is saved.
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const kept = form.querySelector("[data-kept]");
    let wait;
    form.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(async () => {
        const fields = new URLSearchParams(new FormData(form));
        fields.set("draft", form.dataset.draft);
        const answer = await fetch("/drafts", { method: "POST", body: fields }).catch(() => null);
        if (kept) kept.textContent = answer?.ok ? "Kept as a draft." : "Could not be kept.";
      }, 800);
    });
    form.addEventListener("submit", () => clearTimeout(wait));
  }

  // What was typed is not lost by a slip.
  const form = document.querySelector("form.form[method=post]");
  if (form) {
    let dirty = false;
    form.addEventListener("input", () => { dirty = true; });
    form.addEventListener("submit", () => { dirty = false; });
    addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  }
})();
