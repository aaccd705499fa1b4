// The page: reads ?history=ID,ID&k=10 or the form, and lists what the bundle recommends.
const list = document.getElementById("list");
const status = document.getElementById("status");
const form = document.getElementById("ask");

/** Once the service worker answers for this page, whatever is fetched is kept for later. */
async function keptForLater() {
  if (!navigator.serviceWorker) return; // not a secure origin: it works, with a network
  await navigator.serviceWorker.register("./offline.js");
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) =>
    navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }),
  );
}

function show(best) {
  list.replaceChildren(
    ...best.map(({ item, score }) => {
      const row = document.createElement("li");
      row.dataset.item = item.item;
      row.dataset.score = score.toFixed(4);
      row.textContent = item.title ?? item.item;
      return row;
    }),
  );
}

function tell(error) {
  status.textContent = `error: ${error.message}`;
}

try {
  await keptForLater();
  const { load } = await import("./recommend.js");
  const recommend = await load("./bundle");
  const answer = async () => {
    const history = form.history.value.split(",").map((id) => id.trim()).filter(Boolean);
    show(await recommend(history, Number(form.k.value)));
  };
  const asked = new URLSearchParams(location.search);
  for (const name of ["history", "k"]) {
    if (asked.has(name)) form[name].value = asked.get(name);
  }
  const answerAndTell = () => answer().then(() => (status.textContent = "ready"), tell);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answerAndTell();
  });
  await answerAndTell();
} catch (error) {
  tell(error);
}
