// Fetches the live part of the page again while somebody looks at it, and replaces it on change.
"use strict";
const live = document.getElementById("live");
let shown = "";
let timer = 0;

async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  let again = 2000;
  try {
    const answer = await fetch(live.dataset.from + location.search, { headers: { Accept: "text/html" } });
    if (answer.status === 401) { location.assign("/login"); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    const page = await answer.text();
    document.documentElement.classList.remove("offline");
    // Selected text is somebody reading: replacing it would take it from under the cursor.
    if (page !== shown && document.getSelection().isCollapsed) {
      const at = live.contains(document.activeElement)
        ? document.activeElement.getAttribute("href") : null;
      live.innerHTML = page;
      if (at) live.querySelector(`a[href="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
      shown = page;
    }
  } catch {
    document.documentElement.classList.add("offline");
    again = 5000;
  }
  timer = setTimeout(refresh, again);
}

// What cannot be undone is asked about.
document.addEventListener("submit", (event) => {
  const ask = event.submitter?.dataset.ask;
  if (ask && !confirm(ask)) event.preventDefault();
});
document.addEventListener("visibilitychange", refresh);
if (live) refresh();
