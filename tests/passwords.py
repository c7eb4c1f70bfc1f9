"""Passwords that cost no time: hundreds of tests start a site of their own."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from zeoncrm.pipeline.passwords import Passwords


def quick_passwords() -> Passwords:
    """Hashes as the product does, with the least work."""
    return Passwords(PasswordHasher.from_parameters(CHEAPEST))
