// The basket. It lives in this window's session storage, and only once something has been put into it.

const KEPT = "smartmarket_basket";

/** @returns {Record<string, number>} how many of each product */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {}; // storage is blocked, or not ours
  }
}

/** @param {Record<string, number>} basket */
function write(basket) {
  try {
    if (Object.keys(basket).length) sessionStorage.setItem(KEPT, JSON.stringify(basket));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // storage is blocked: the basket lasts as long as the page
  }
  show(basket);
}

/** @param {number} manats */
const price = (manats) => `${String(manats).replace(/\B(?=(\d{3})+$)/g, "\u202f")}\u00a0AZN`;

/** @param {Record<string, number>} basket */
function show(basket) {
  const count = Object.values(basket).reduce((sum, many) => sum + many, 0);
  const badge = document.querySelector("[data-basket-count]");
  badge.textContent = String(count);
  badge.hidden = count === 0;

  const form = document.querySelector("[data-basket]");
  if (!form) return;
  let total = 0;
  for (const row of form.querySelectorAll("[data-row]")) {
    const many = basket[row.dataset.row] ?? 0;
    row.hidden = many === 0;
    if (many) row.querySelector("input").value = String(many);
    row.querySelector("[data-sum]").textContent = price(many * row.dataset.price);
    total += many * row.dataset.price;
  }
  form.querySelector("[data-total]").textContent = price(total);
  form.hidden = count === 0;
  document.querySelector("[data-basket-empty]").hidden = count > 0;
}

const toast = document.querySelector("[data-toast]");
let fading = 0;

document.addEventListener("click", ({ target }) => {
  const adds = target.closest("[data-add]");
  if (adds) {
    const basket = read();
    basket[adds.dataset.add] = Math.min(9, (basket[adds.dataset.add] ?? 0) + 1);
    write(basket);
    toast.textContent = toast.dataset.added;
    clearTimeout(fading);
    fading = setTimeout(() => (toast.textContent = ""), 2500);
  }
  const removes = target.closest("[data-remove]");
  if (removes) {
    const { [removes.dataset.remove]: _, ...rest } = read();
    write(rest);
  }
});

const form = document.querySelector("[data-basket]");
form?.addEventListener("change", ({ target }) => {
  const many = Math.min(9, Math.max(1, Math.trunc(Number(target.value)) || 1));
  write({ ...read(), [target.closest("[data-row]").dataset.row]: many });
});
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const note = form.querySelector("[data-checkout-note]");
  note.textContent = note.dataset.note;
});

show(read());
