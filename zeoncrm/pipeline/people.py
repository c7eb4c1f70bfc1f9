"""People: their roles, what they may see, and which extension is whose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from zeoncrm.pipeline.errors import Forbidden, Invalid, NotFound
from zeoncrm.pipeline.events import PeopleChanged
from zeoncrm.pipeline.numbering import Numbering
from zeoncrm.pipeline.numbers import normalise
from zeoncrm.pipeline.texts import one_line
from zeoncrm.store import people as store
from zeoncrm.store import sessions
from zeoncrm.store.database import Database, Transaction
from zeoncrm.store.people import PersonRow

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_EXTENSION = re.compile(r"[0-9]{1,20}\Z")


class Role(StrEnum):
    """What a person may do: a rep what is theirs, a supervisor everything of the work, an admin the system too."""

    REP = "rep"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is logged in."""

    id: int
    login: str
    name: str
    role: Role
    language: str | None = None

    @property
    def scope(self) -> int | None:
        """Whose rows the person may see: their own id, or None for everybody's."""
        return self.id if self.role is Role.REP else None

    @property
    def sees_all(self) -> bool:
        """Whether the person sees what is not theirs."""
        return self.scope is None

    def must_supervise(self) -> None:
        """Raises Forbidden for a rep."""
        if not self.sees_all:
            raise Forbidden("only a supervisor may do this")

    def must_administer(self) -> None:
        """Raises Forbidden for all but admins."""
        if self.role is not Role.ADMIN:
            raise Forbidden("only an administrator may do this")


def viewer_of(row: PersonRow) -> Viewer:
    """The person as somebody who looks at things."""
    return Viewer(row.id, row.login, row.name, Role(row.role), row.language)


@dataclass(frozen=True, slots=True)
class Contested:
    """An extension that is one person's on every PBX and another's on one; the logins of both."""

    extension: str
    pbx: str
    there: str
    everywhere: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is who, as a value; replaced when people change."""

    version: int = 0
    rows: tuple[PersonRow, ...] = ()
    by_id: dict[int, PersonRow] = field(default_factory=dict)
    _by_extension: dict[tuple[str, str], PersonRow] = field(default_factory=dict)

    @classmethod
    def of(cls, version: int, rows: Iterable[PersonRow]) -> Directory:
        """The directory of these people."""
        people = tuple(rows)
        extensions = {where: row for row in people if row.active for where in row.extensions}
        return cls(version, people, {row.id: row for row in people}, extensions)

    def person_with(self, extension: str, pbx: str) -> PersonRow | None:
        """Whose extension this is on the PBX."""
        return self._by_extension.get((pbx, extension)) or self._by_extension.get(("", extension))

    def contested(self) -> tuple[Contested, ...]:
        """Extensions that two people claim: on the one PBX its own entry counts."""
        return tuple(
            Contested(number, pbx, there.login, everywhere.login)
            for (pbx, number), there in sorted(self._by_extension.items(), key=lambda item: item[0])
            if pbx and (everywhere := self._by_extension.get(("", number))) is not None and everywhere.id != there.id
        )

    def extensions_of(self, person_id: int, pbx: str) -> tuple[str, ...]:
        """The person's extensions on a PBX, the first is the one they call from."""
        row = self.by_id.get(person_id)
        return () if row is None else tuple(number for where, number in row.extensions if where in ("", pbx))

    def login(self, person_id: int | None) -> str | None:
        """The login of a person by id."""
        row = self.by_id.get(person_id) if person_id is not None else None
        return None if row is None else row.login

    def name(self, person_id: int | None) -> str | None:
        """The name of a person by id."""
        row = self.by_id.get(person_id) if person_id is not None else None
        return None if row is None else row.name

    def numbering(self, pbx: str, region: str, trunks: Sequence[str]) -> Numbering:
        """What the PBX's tracker must know of the people."""
        active = [row for row in self.rows if row.active]
        extensions = frozenset(number for row in active for where, number in row.extensions if where in ("", pbx))
        outside = {
            number: self.extensions_of(row.id, pbx)[0]
            for row in active
            for number in row.outside
            if self.extensions_of(row.id, pbx)
        }
        return Numbering(region=region, extensions=extensions, outside=outside, trunks=tuple(trunks))


async def load_directory(database: Database) -> Directory:
    """The directory as it is in the database now."""
    async with database.read() as connection:
        return Directory.of(await store.version(connection), await store.everyone(connection))


async def people_version(database: Database) -> int:
    """Rises with each change of people, whichever process made it."""
    async with database.read() as connection:
        return await store.version(connection)


async def add_person(
    database: Database,
    *,
    login: str,
    name: str,
    role: Role,
    password_hash: str | None,
    extensions: Sequence[str],
    outside: Sequence[str],
    region: str,
    at: datetime,
) -> int:
    """Add a person; give the id. An extension of one PBX alone is written `105@branch`.

    Raises:
        Invalid: a bad or taken login, extension or outside number.
    """
    _check_login(login)
    async with database.write() as tx:
        if await store.by_login(tx.connection, login) is not None:
            raise Invalid("login", "this login is taken")
        person_id = await store.add(
            tx, login=login, name=_checked_name(name), role=role, password_hash=password_hash, at=at
        )
        await _set_numbers(tx, person_id, extensions, outside, region)
        tx.emit(PeopleChanged(people=frozenset()))
    return person_id


async def change_person(
    database: Database,
    person_id: int,
    *,
    name: str,
    role: Role,
    active: bool,
    extensions: Sequence[str],
    outside: Sequence[str],
    region: str,
) -> None:
    """Change a person; one who is switched off is logged out everywhere.

    Raises:
        NotFound: no such person. Invalid: a bad or taken extension or outside number; the last active admin.
    """
    async with database.write() as tx:
        everyone = await store.everyone(tx.connection)
        if all(row.id != person_id for row in everyone):
            raise NotFound("no such person")
        others = [row for row in everyone if row.id != person_id and row.active and row.role == Role.ADMIN]
        was_admin = any(row.id == person_id and row.role == Role.ADMIN for row in everyone)
        if was_admin and not others and (role is not Role.ADMIN or not active):
            raise Invalid("role", "somebody must stay an administrator")
        await store.change(tx, person_id, name=_checked_name(name), role=role.value, active=active)
        await _set_numbers(tx, person_id, extensions, outside, region)
        if not active:
            await sessions.revoke_all(tx, person_id)
        tx.emit(PeopleChanged(people=frozenset()))


async def set_away(database: Database, viewer: Viewer, away: bool) -> None:
    """The viewer is away from the phone, or back."""
    async with database.write() as tx:
        await store.change(tx, viewer.id, away=away)
        tx.emit(PeopleChanged(people=frozenset()))


async def give_extension(database: Database, person_id: int, extension: str, pbx: str = "") -> None:
    """Make an extension a person's, beside those that they have; on one PBX, or (empty) on all.

    Raises:
        Invalid: no extension, or somebody's already (the words name them); no such person, or one who is switched off.
    """
    _check_extension("extension", extension)
    async with database.write() as tx:
        everyone = await store.everyone(tx.connection)
        person = next((row for row in everyone if row.id == person_id and row.active), None)
        if person is None:
            raise Invalid("person", "choose somebody")
        _check_free("extension", extension, pbx, [row for row in everyone if row.id != person_id])
        own = [number for where, number in person.extensions if where == pbx]
        if extension not in own:
            await store.set_extensions(tx, person_id, [*own, extension], pbx)
            tx.emit(PeopleChanged(people=frozenset()))


def _check_extension(field: str, number: str) -> None:
    if not _EXTENSION.match(number):
        raise Invalid(field, "not an extension: %(number)s", number=number[:40])


def _check_free(field: str, number: str, pbx: str, others: Sequence[PersonRow]) -> None:
    """An extension of all PBXs is nobody else's on any; one of a PBX may be somebody else's on another."""
    for row in others:
        for where, taken in row.extensions:
            if taken == number and (not pbx or where in ("", pbx)):
                raise Invalid(field, "%(number)s is the extension of %(name)s already", number=number, name=row.name)


async def _set_numbers(
    tx: Transaction, person_id: int, extensions: Sequence[str], outside: Sequence[str], region: str
) -> None:
    everyone = await store.everyone(tx.connection)
    others = [row for row in everyone if row.id != person_id]
    places = {where for row in everyone if row.id == person_id for where, _ in row.extensions}
    wanted: dict[str, list[str]] = {where: [] for where in sorted(places)}
    for text in extensions:
        number, _, where = text.partition("@")
        _check_extension("extensions", number)
        _check_free("extensions", number, where, others)
        wanted.setdefault(where, []).append(number)
    read = [(normalise(raw, region), raw) for raw in outside]
    for number_read, raw in read:
        if number_read is None:
            raise Invalid("outside", "not a telephone number: %(number)s", number=raw[:40])
    if {number for row in others for number in row.outside}.intersection(number for number, _ in read):
        raise Invalid("outside", "somebody else's number")
    for where, numbers in wanted.items():
        await store.set_extensions(tx, person_id, numbers, where)
    await store.set_outside(tx, person_id, [(number, raw) for number, raw in read if number])


def _check_login(login: str) -> None:
    if not _LOGIN.match(login):
        raise Invalid("login", "a login is 1 to 64 small letters, digits, dots, dashes")


def _checked_name(name: str) -> str:
    cleaned = one_line(name)
    if not cleaned or len(cleaned) > 200:
        raise Invalid("name", "a name has 1 to 200 characters")
    return cleaned
