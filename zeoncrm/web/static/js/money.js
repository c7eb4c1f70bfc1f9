// Sums of money by currency, exact: amounts are texts with two decimals at most, added up in cents.

import { language } from "./texts.js";

const THIN_SPACE = "\u202f";
const decimalSign = new Intl.NumberFormat(language).format(1.5)[1];

const cents = (amount) => {
  const [whole, rest = ""] = amount.split(".");
  return BigInt(whole) * 100n + BigInt(rest.padEnd(2, "0").slice(0, 2));
};

/** The sums with this much more of a currency, or less. */
export function added(sums, amount, currency, sign = 1n) {
  if (!amount) return sums;
  const before = sums[currency] ? cents(sums[currency]) : 0n;
  const after = before + sign * cents(amount);
  return { ...sums, [currency]: `${after / 100n}.${String(after % 100n).padStart(2, "0")}` };
}

/** As the server writes it: `86 000 ₽ + 1 200.50 €`. */
export function sumsText(sums) {
  return Object.keys(sums)
    .sort()
    .filter((currency) => cents(sums[currency]) > 0n)
    .map((currency) => `${amountText(sums[currency])}${THIN_SPACE}${signOf(currency)}`)
    .join(" + ");
}

function amountText(amount) {
  const [whole, rest = ""] = amount.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
  return Number(rest) ? `${grouped}${decimalSign}${rest.padEnd(2, "0")}` : grouped;
}

function signOf(currency) {
  const parts = new Intl.NumberFormat(language, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).formatToParts(0);
  return parts.find((part) => part.type === "currency").value;
}
