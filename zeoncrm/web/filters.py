"""What the templates can do besides jinja2's own: how numbers, money, names and times are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.numbers import get_currency_symbol, get_decimal_symbol
from babel.support import NullTranslations
from jinja2 import Environment

from zeoncrm.pipeline.numbers import national, national_line
from zeoncrm.web.message_ids import N_
from zeoncrm.web.pbx_words import in_language

# What the timeline calls the fields of a deal; message ids.
FIELDS = {
    "title": N_("Title"),
    "type": N_("Kind"),
    "owner": N_("Owner"),
    "contact": N_("Contact"),
    "company": N_("Company"),
    "amount": N_("Amount"),
    "currency": N_("Currency"),
    "source": N_("Source"),
    "priority": N_("Priority"),
    "next_step": N_("Next step"),
    "next_step_at": N_("When"),
}
# What deals of a person who was erased are called.
ERASED = N_("Erased contact")
PRIORITIES = {"hot": N_("hot"), "normal": N_("normal")}

# Signs that Babel writes at home only; browsers have them as "narrow symbols".
NARROW_SIGNS = {"RUB": "₽", "KZT": "₸", "UAH": "₴", "GEL": "₾", "AMD": "֏", "TRY": "₺", "PLN": "zł", "CZK": "Kč"}
# Between groups of digits and before a currency's sign: narrow, and no line ends there.
THIN_SPACE = "\u202f"


def add_filters(environment: Environment, catalog: NullTranslations, language: str, region: str) -> None:
    """Give the environment of one language its filters. `region` says how numbers are read."""
    decimal_sign = get_decimal_symbol(language)
    countries = Locale.parse(language).territories

    def money(amount: Decimal, currency: str) -> str:
        return f"{money_text(amount, decimal_sign)}{THIN_SPACE}{sign(currency)}"

    def sign(currency: str) -> str:
        return NARROW_SIGNS.get(currency) or get_currency_symbol(currency, locale=language)

    environment.filters.update(
        {
            # A name that somebody may have renamed: unlike `_`, its result is escaped.
            "translated": lambda text: catalog.gettext(text) if text else "",
            "sentence": sentence,
            "pbx_words": lambda words: in_language(words, catalog.gettext),
            "national": lambda number: national(number, region),
            # The line that was called: carriers write it as they like.
            "line": lambda did: national_line(did, region),
            "initials": initials,
            "money": money,
            "sums": lambda sums: " + ".join(money(amount, currency) for currency, amount in sorted(sums.items())),
            "sums_json": sums_json,
            "currency_sign": sign,
            "decimal": lambda number: f"{number:.1f}".replace(".", decimal_sign),
            "amount": lambda amount: money_text(amount, decimal_sign),
            "field_name": lambda name: catalog.gettext(FIELDS.get(name) or name),
            "field_value": lambda value, name: _field_value(value, name, catalog),
            "country": lambda code: countries.get(code, code),
            "iso": iso,
            "utc_text": lambda at: at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "length_text": length_text,
        }
    )


def _field_value(value: str | None, name: str, catalog: NullTranslations) -> str:
    """A value in the timeline, as people read it."""
    if not value:
        return ""
    if name == "priority":
        return str(catalog.gettext(PRIORITIES.get(value, value)))
    if name == "amount":
        return money_text(Decimal(value), ".")
    return value.removesuffix("+00:00").removesuffix(":00") if name == "next_step_at" else value


def money_text(amount: Decimal, decimal_sign: str) -> str:
    """An amount in groups of three digits; cents only where there are any."""
    places = 0 if amount == amount.to_integral_value() else 2
    return f"{amount:,.{places}f}".translate({ord(","): THIN_SPACE, ord("."): decimal_sign})


def sums_json(sums: Mapping[str, Decimal]) -> str:
    """Sums by currency, for the scripts."""
    return json.dumps({currency: str(amount) for currency, amount in sums.items()})


def initials(name: str) -> str:
    """One or two letters that stand for a name."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def iso(at: datetime) -> str:
    """A time as browsers read it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def length_text(seconds: int) -> str:
    """How long a call was: `4:10`, `1:02:03`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def sentence(text: Any) -> str:
    """A message as a sentence of its own."""
    words = str(text).strip()
    end = "" if words.endswith((".", "!", "?", "…")) else "."
    return f"{words[:1].upper()}{words[1:]}{end}" if words else ""
