// Two sliders over the histogram of prices. The fields below are what is sent; the sliders only fill them.

const sliders = document.querySelector("[data-prices]");
if (sliders) attach();

function attach() {
  // A slider's position runs evenly over the bars, and prices run evenly within each of them.
  const edges = sliders.dataset.prices.split(" ").map(Number);
  const [low, high] = sliders.querySelectorAll("input");
  const [from, to] = ["price_min", "price_max"].map((id) => document.getElementById(id));
  const bars = sliders.parentElement.querySelectorAll("rect");
  const last = Number(low.max);
  const perBar = last / (edges.length - 1);
  const format = new Intl.NumberFormat("en", { style: "currency", currency: sliders.dataset.currency });

  function priceAt(position) {
    const bar = Math.min(Math.floor(position / perBar), edges.length - 2);
    const exact = edges[bar] + ((edges[bar + 1] - edges[bar]) * (position - bar * perBar)) / perBar;
    return edges[bar + 1] - edges[bar] >= perBar ? Math.round(exact) : Math.round(exact * 100) / 100;
  }

  function positionOf(price) {
    const bar = Math.max(0, edges.findLastIndex((edge, at) => edge <= price && at < edges.length - 1));
    const within = (price - edges[bar]) / (edges[bar + 1] - edges[bar]);
    return Math.min(last, Math.max(0, (bar + within) * perBar));
  }

  function draw() {
    const [first, end] = [Number(low.value), Number(high.value)];
    bars.forEach((bar, at) => bar.classList.toggle("is-chosen", at * perBar < Math.max(end, first + 1) && (at + 1) * perBar > first));
    low.setAttribute("aria-valuetext", first === 0 ? "any price" : `from ${format.format(priceAt(first))}`);
    high.setAttribute("aria-valuetext", end === last ? "any price" : `up to ${format.format(priceAt(end))}`);
    // Where both stand at the right end, the lower one has to be the one that can be taken hold of.
    low.classList.toggle("is-above", first > last / 2);
  }

  function follow() {
    const read = (field, other) => (field.value.trim() === "" || Number.isNaN(Number(field.value)) ? other : positionOf(Number(field.value)));
    low.value = read(from, 0);
    high.value = read(to, last);
    draw();
  }

  low.addEventListener("input", () => {
    low.value = Math.min(Number(low.value), Number(high.value));
    from.value = Number(low.value) === 0 ? "" : priceAt(Number(low.value));
    draw();
  });
  high.addEventListener("input", () => {
    high.value = Math.max(Number(low.value), Number(high.value));
    to.value = Number(high.value) === last ? "" : priceAt(Number(high.value));
    draw();
  });
  for (const field of [from, to]) field.addEventListener("input", follow);
  // A browser that goes back fills the fields after this script has run.
  window.addEventListener("pageshow", follow);
  follow();
}
