"""What a person may set on a deal, apart from its stage, and what makes a value fit to be kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from zeoncrm.pipeline.errors import Invalid
from zeoncrm.pipeline.texts import one_line

LARGEST_AMOUNT = Decimal("999999999999.99")
PRIORITIES = ("normal", "hot")
_LONGEST = {"type": 64, "source": 64, "next_step": 200}


def _text(field: str, text: Any) -> str | None:
    """An optional text in one line; nothing left of it is None."""
    longest = _LONGEST[field]
    cleaned = one_line(text or "")
    if len(cleaned) > longest:
        raise Invalid(field, "%(count)s characters at most", count=longest)
    return cleaned or None


def _title(field: str, title: Any) -> str:
    cleaned = one_line(title or "")
    if not cleaned or len(cleaned) > 200:
        raise Invalid(field, "a title has 1 to 200 characters")
    return cleaned


def _amount(field: str, amount: Any) -> Decimal | None:
    if amount is None:
        return None
    exact = amount.is_finite() and 0 <= amount <= LARGEST_AMOUNT and amount == amount.quantize(Decimal("0.01"))
    if not exact:
        raise Invalid(field, "an amount is from 0 to 999999999999.99, with two decimals at most")
    return Decimal(amount)


def _currency(field: str, currency: Any) -> str:
    if not re.fullmatch(r"[A-Z]{3}", currency or ""):
        raise Invalid(field, "a currency is three capital letters")
    return str(currency)


def _priority(field: str, priority: Any) -> str:
    if priority not in PRIORITIES:
        raise Invalid(field, "a priority is normal or hot")
    return str(priority)


def _as_it_is(field: str, value: Any) -> Any:
    return value


# Each takes the field and the value, gives what is kept and raises Invalid.
CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "title": _title,
    "type": _text,
    "amount": _amount,
    "currency": _currency,
    "source": _text,
    "priority": _priority,
    "next_step": _text,
    "next_step_at": _as_it_is,
    "owner_id": _as_it_is,
    "contact_id": _as_it_is,
    "company_id": _as_it_is,
}
