"""The command line. Each command is imported when it is called: a small one need not wait for the whole daemon."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from zeoncrm import __version__
from zeoncrm.config import ConfigError, load_config
from zeoncrm.pipeline.errors import Invalid, Refused
from zeoncrm.pipeline.people import Role
from zeoncrm.store.errors import StoreError

Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]

USAGE, CONFIG = 2, 2
FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""
    options = _parser().parse_args(arguments)
    # Customers' data, whoever creates the file: the unit's own UMask does not reach `user add` or a restore.
    os.umask(0o027)
    command: Command = options.command
    try:
        code = asyncio.run(command(options))
        sys.stdout.flush()
        return code
    except ConfigError as error:
        return _say(f"config: {error}", CONFIG)
    except Invalid as error:
        return _say(f"{error.field}: {error}", USAGE)
    except BrokenPipeError:
        return _unread()
    except (Refused, StoreError, OSError) as error:
        return _say(str(error), FAILED)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zeoncrm", description="A phone-driven CRM beside an Asterisk PBX.")
    parser.add_argument("--version", action="version", version=f"zeoncrm {__version__}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the config file")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    _command(commands, "serve", _serve, "the daemon: AMI, web, background work")
    _command(commands, "init", _init, "write a config file; print the manager.conf stanza with the least rights")
    _add_doctor(commands)
    _add_user(commands)
    _add_token(commands)
    _add_db(commands)
    _add_replay(commands)
    play = _command(commands, "demo", _demo, "sample data and a simulated PBX, in a temporary folder")
    play.add_argument("--port", type=int, default=8080)
    return parser


def _command(commands: Any, name: str, run: Command, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=run)
    return parser


def _add_doctor(commands: Any) -> None:
    parser = _command(commands, "doctor", _doctor, "say, step by step, what works and what does not, and the remedy")
    parser.add_argument("--call", metavar="EXT[@PBX]", help="ring this extension and follow the call")
    parser.add_argument("--json", action="store_true", help="for a machine: one JSON object at the end")


def _add_user(commands: Any) -> None:
    actions = commands.add_parser("user", help="people who log in").add_subparsers(metavar="ACTION", required=True)
    add = _command(actions, "add", _user_add, "add a person")
    add.add_argument("login")
    add.add_argument("--name", required=True)
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument(
        "--extension", action="append", default=[], metavar="N", help="an extension of theirs; N@PBX: there only"
    )
    add.add_argument("--outside", action="append", default=[], metavar="NUMBER", help="a mobile of theirs")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _add_token(commands: Any) -> None:
    actions = commands.add_parser("token", help="API tokens").add_subparsers(metavar="ACTION", required=True)
    _command(actions, "create", _token_create, "print a new API token, once").add_argument("login")


def _add_db(commands: Any) -> None:
    actions = commands.add_parser("db", help="the database").add_subparsers(metavar="ACTION", required=True)
    _command(actions, "upgrade", _db_upgrade, "bring the database to this version")
    for name, run, text in (
        ("backup", _db_backup, "copy the database into a file, while the daemon runs or not"),
        ("restore", _db_restore, "put a backup in the database's place; stop the daemon first"),
    ):
        _command(actions, name, run, text).add_argument("file", type=Path)


def _add_replay(commands: Any) -> None:
    parser = _command(commands, "replay", _replay, "read a recorded AMI stream, print each call as a JSON line")
    parser.add_argument("file", type=Path)
    parser.add_argument("--extensions", default="", metavar="101,102|101-108")
    parser.add_argument("--outside", action="append", default=[], metavar="105=79990001122")
    parser.add_argument("--device", action="append", default=[], metavar="105=PJSIP/anna")
    parser.add_argument("--region", default="RU")


async def _serve(options: argparse.Namespace) -> int:
    from zeoncrm.commands import serve

    return await serve.serve(load_config(options.config))


async def _init(options: argparse.Namespace) -> int:
    from zeoncrm.commands import init

    return init.init(options.config)


async def _doctor(options: argparse.Namespace) -> int:
    from zeoncrm.commands import doctor

    return await doctor.doctor(options.config, call=options.call, as_json=options.json)


async def _user_add(options: argparse.Namespace) -> int:
    from zeoncrm.commands import people

    return await people.add_user(
        load_config(options.config),
        login=options.login,
        name=options.name,
        role=Role(options.role),
        extensions=options.extension,
        outside=options.outside,
        password_stdin=options.password_stdin,
    )


async def _token_create(options: argparse.Namespace) -> int:
    from zeoncrm.commands import people

    return await people.create_token(load_config(options.config), options.login)


async def _db_upgrade(options: argparse.Namespace) -> int:
    from zeoncrm.commands import database

    return await database.upgrade(load_config(options.config))


async def _db_backup(options: argparse.Namespace) -> int:
    from zeoncrm.commands import database

    return await database.backup(load_config(options.config), options.file)


async def _db_restore(options: argparse.Namespace) -> int:
    from zeoncrm.commands import database

    return await database.restore(load_config(options.config), options.file)


async def _replay(options: argparse.Namespace) -> int:
    from zeoncrm.commands import replay

    return replay.replay(options.file, options.extensions, options.outside, options.device, options.region)


async def _demo(options: argparse.Namespace) -> int:
    from zeoncrm.commands import demo

    return await demo.demo(options.port)


def _unread() -> int:
    """Whoever read us has seen enough, as in `doctor | head`: the rest, flushed at the exit, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _say(text: str, code: int) -> int:
    print(f"zeoncrm: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
