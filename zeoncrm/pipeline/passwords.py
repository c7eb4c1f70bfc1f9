"""Passwords (argon2id) and secrets. Hashing takes tens of milliseconds on purpose: it runs in threads of its own."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from zeoncrm.pipeline.errors import Invalid

SHORTEST, LONGEST = 8, 256


class Passwords:
    """Hashes and checks passwords, two at a time. `hasher`: how much work a hash is to be."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
        # An unknown login takes as long as a wrong password: who has an account stays a secret.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The hash to keep; raises Invalid when the password is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise Invalid("password", "a password has %(least)s to %(most)s characters", least=SHORTEST, most=LONGEST)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._hasher.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password; never for somebody without one."""
        right = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._verify, password_hash or self._nobody, password[:LONGEST]
        )
        return right and password_hash is not None

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def new_secret() -> str:
    """A random key for a session or a token, 256 bits."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """What is kept of a random key. It has entropy enough: no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
