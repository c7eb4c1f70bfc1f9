"""The only reader of the config file and the environment.

The TOML file holds what is needed before the web is up; any key can be given as `ZEONCRM_SECTION__KEY`: for the
first PBX `ZEONCRM_PBX__HOST`, for the second `ZEONCRM_PBX__1__HOST` or, by its name, `ZEONCRM_PBX__BRANCH__HOST`.
Everything a supervisor decides has a page.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

PREFIX = "ZEONCRM_"
CDR_SOURCES = ("csv:///", "mysql://", "mariadb://", "postgresql://", "postgres://", "sqlite:///")
PLACES = (Path("zeoncrm.toml"), Path("/etc/zeoncrm/zeoncrm.toml"))

Port = Annotated[int, Field(ge=1, le=65535)]
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f]+\z")]


_SECRETS = {"secret": "secret_file", "secret_file": "secret"}
# What no secret can hold: Asterisk would read another header.
_BROKEN = re.compile(r"[\x00-\x1f\x7f]")


class ConfigError(Exception):
    """The configuration can't be used; the text names the key."""


class Section(BaseModel):
    """Base of all sections: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class DatabaseConfig(Section):
    """`[database]`."""

    url: Word = "sqlite:///var/lib/zeoncrm/zeoncrm.db"

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise ValueError("sqlite:///PATH or postgresql://USER@HOST/NAME")
        return _unmistakable(url)


class WebConfig(Section):
    """`[web]`. `public_url`: how browsers reach us when that differs; https makes cookies secure.

    `trusted_proxies`: the networks whose word is taken for a browser's address and scheme (`X-Forwarded-*`).
    """

    host: Word = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: str | None = Field(default=None, pattern=r"\Ahttps?://[^/\s]+/?\z")
    trusted_proxies: list[Word] = ["127.0.0.0/8", "::1/128"]

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: list[str]) -> list[str]:
        return [str(ip_network(network)) for network in networks]


class PhonesConfig(Section):
    """`[phones]`. `region`: an ISO 3166 country, how numbers without a country code are read."""

    region: str = "RU"

    @field_validator("region")
    @classmethod
    def _known(cls, region: str) -> str:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("an ISO 3166 country code such as RU")
        return region


class LogConfig(Section):
    """`[log]`. `auto`: lines for people on a terminal, JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class PbxConfig(Section):
    """One `[[pbx]]`. `dial`: how a number goes into the dialplan: `79031112233`, `+79031112233` or `89031112233`.

    `recordings`: the folder with the PBX's recordings, as this machine sees it. After `recordings_days` (0: never) they
    are no longer listed nor served, and with `recordings_delete` their files are deleted.

    `cdr`: the PBX's call records, `csv:///PATH/Master.csv`, a database's URL, or `ami`; its zone is `cdr_timezone`.
    """

    name: Annotated[str, Field(pattern=r"\A[A-Za-z0-9_.-]{1,64}\z")]
    host: Word = "127.0.0.1"
    port: Port = 5038
    username: Word
    secret: SecretStr = SecretStr("")
    secret_file: Word | None = None
    originate_channel: Word = "PJSIP/{extension}"
    originate_context: Word = "from-internal"
    trunks: list[Word] = []
    dial: Literal["digits", "e164", "national"] = "digits"
    recordings: Annotated[str, Field(pattern=r"\A/[^\x00-\x1f]*\z", max_length=1000)] | None = None
    recordings_days: Annotated[int, Field(ge=0, le=36500)] = 0
    recordings_delete: bool = False
    cdr: Word | None = None
    cdr_timezone: Word = "local"

    @field_validator("originate_channel")
    @classmethod
    def _has_place(cls, template: str) -> str:
        if "{extension}" not in template:
            raise ValueError("{extension} is missing")
        return template

    @field_validator("cdr")
    @classmethod
    def _known_source(cls, source: str | None) -> str | None:
        if source is not None and source != "ami" and not source.startswith(CDR_SOURCES):
            raise ValueError(f"ami or one of {', '.join(CDR_SOURCES)} is expected")
        return source and _unmistakable(source)

    @field_validator("cdr_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            _zone(name)
        except (OSError, ValueError, KeyError):
            raise ValueError("local, UTC or the name of a time zone such as Europe/Moscow") from None
        return name

    @property
    def cdr_zone(self) -> tzinfo | None:
        """The zone of the times in the call records; None is this machine's."""
        return _zone(self.cdr_timezone)

    @field_validator("secret")
    @classmethod
    def _one_line(cls, secret: SecretStr) -> SecretStr:
        if _BROKEN.search(secret.get_secret_value()):
            raise ValueError("it holds a line break or another control character")
        return secret

    @model_validator(mode="after")
    def _has_secret(self) -> Self:
        given = bool(self.secret.get_secret_value())
        if self.secret_file is None and not given:
            raise ValueError("secret or secret_file is missing")
        if self.secret_file is not None and given:
            raise ValueError("secret and secret_file are both there: leave one out")
        return self

    def read_secret(self) -> str:
        """The secret; raises ConfigError when its file can't be read or holds none."""
        if self.secret_file is None:
            return self.secret.get_secret_value()
        try:
            secret = Path(self.secret_file).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"pbx.secret_file: {self.secret_file}: {_why(error)}") from error
        if not secret or _BROKEN.search(secret):
            wrong = "more than one line, or a control character" if secret else "nothing"
            raise ConfigError(f"pbx.secret_file: {self.secret_file}: there is {wrong} in it")
        return secret


class AgiConfig(Section):
    """`[agi]`: where the dialplan asks (FastAGI). Port 0: nowhere. `networks`: from where it may."""

    host: Word = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    networks: list[Word] = ["127.0.0.0/8", "::1/128"]

    @field_validator("networks")
    @classmethod
    def _networks(cls, networks: list[str]) -> list[str]:
        return [str(ip_network(network)) for network in networks]


class Config(Section):
    """All of it."""

    database: DatabaseConfig = DatabaseConfig()
    web: WebConfig = WebConfig()
    phones: PhonesConfig = PhonesConfig()
    log: LogConfig = LogConfig()
    agi: AgiConfig = AgiConfig()
    pbx: list[PbxConfig] = []

    @field_validator("pbx")
    @classmethod
    def _names_differ(cls, pbxs: list[PbxConfig]) -> list[PbxConfig]:
        if name := _twice(pbx.name for pbx in pbxs):
            raise ValueError(f"two PBXs have the name {name!r}")
        # Each call would be there twice.
        if address := _twice(f"{_host(pbx.host)}:{pbx.port}" for pbx in pbxs):
            raise ValueError(f"two PBXs have the address {address}")
        if _twice(pbx.cdr for pbx in pbxs if pbx.cdr not in (None, "ami")):
            raise ValueError("two PBXs have the same `cdr`")
        return pbxs


def _host(name: str) -> str:
    """The same for the names of this machine."""
    return "127.0.0.1" if name.lower() in ("localhost", "::1") else name.lower()


def _unmistakable(url: str) -> str:
    """Refuses what would be read as another server, with a part of the password in its name."""
    try:
        parts = urlsplit(url)
        at, beyond = parts.netloc.count("@"), parts.path + parts.fragment
        sound = not parts.netloc or (parts.port != 0 and at < 2 and "@" not in beyond)
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("a port is no number, or the password holds @ : / # ? unescaped: write %40 %3A %2F %23 %3F")
    return url


def _twice(texts: Iterable[str | None]) -> str | None:
    """The first that is there again."""
    seen: set[str | None] = set()
    for text in texts:
        if text in seen:
            return text
        seen.add(text)
    return None


def load_config(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file (the first of the known places without a path) and the environment, which goes first.

    Raises:
        ConfigError: no file, an unreadable one, an unknown key or a wrong value; the text names the key.
    """
    found = path or config_file(environ)
    given = _environment(environ)
    if found is None and not given:
        raise ConfigError(f"no config file: give --config FILE, or make one of {', '.join(map(str, PLACES))}")
    values = _read(found) if found else {}
    try:
        return Config.model_validate(_merged(values, given))
    except ValidationError as error:
        lines = [f"{_key(each['loc'])}: {_wrong(each)}" for each in error.errors()]
        raise ConfigError("; ".join(lines)) from None


def config_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the file is looked for without `--config`: the first place that has one."""
    if named := environ.get("ZEONCRM_CONFIG"):
        return Path(named)
    # Unlike Path.exists, it takes a folder that may not be read for one without a file: PLACES begin with this one.
    return next((place for place in PLACES if os.path.exists(place)), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {_why(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error


def _environment(environ: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    keys = {name: name.removeprefix(PREFIX).lower().split("__") for name in environ if name.startswith(PREFIX)}
    return {tuple(parts): environ[name] for name, parts in sorted(keys.items()) if len(parts) > 1}


def _merged(values: dict[str, Any], given: Mapping[tuple[str, ...], str]) -> dict[str, Any]:
    for parts, text in given.items():
        section, key = parts[0], parts[-1]
        if section == "pbx":
            _set_pbx(values, parts, text)
        else:
            table = values.setdefault(section, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{section}: a table is expected")
            table["__".join(parts[1:])] = _typed(section, key, text)
    return values


def _set_pbx(values: dict[str, Any], parts: tuple[str, ...], text: str) -> None:
    tables = values.setdefault("pbx", [])
    variable = f"{PREFIX}{'__'.join(parts).upper()}"
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{variable}: write [[pbx]] in the file, in double brackets")
    index = _which_pbx(tables, parts[1]) if len(parts) > 2 else 0
    if index is None or index > len(tables):
        raise ConfigError(f"{variable}: there is no PBX {parts[1].upper()}")
    if index == len(tables):
        tables.append({"name": "main"} if index == 0 else {})
    key = parts[-1]
    tables[index][key] = _typed("pbx", key, text)
    if key in _SECRETS:  # it goes before what the file says, in either form
        tables[index].pop(_SECRETS[key], None)


def _which_pbx(tables: list[dict[str, Any]], word: str) -> int | None:
    """By its number, else by its name; the environment has no small letters."""
    if word.isascii() and word.isdigit():
        return int(word)
    return next((index for index, table in enumerate(tables) if str(table.get("name")).lower() == word), None)


def _typed(section: str, key: str, text: str) -> Any:
    """The text of an environment variable as the type of its key."""
    field = Config.model_fields.get(section)
    model: Any = PbxConfig if section == "pbx" else (field.annotation if field else None)
    target = model.model_fields.get(key) if model is not None else None
    if target is None:
        return text
    if target.annotation is int and text.isascii() and text.strip().isdigit():
        return int(text)
    if target.annotation is bool and text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    if target.annotation == list[Word]:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _key(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "config"


def _wrong(error: ErrorDetails) -> str:
    """What is wrong with a value, in an operator's words."""
    if error["type"] == "extra_forbidden":
        return "unknown key"
    if error["loc"] == ("pbx",) and error["type"] == "list_type":
        return "write [[pbx]], in double brackets"
    return error["msg"].removeprefix("Value error, ")


def _zone(name: str) -> tzinfo | None:
    return None if name == "local" else ZoneInfo(name)


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "not UTF-8"
