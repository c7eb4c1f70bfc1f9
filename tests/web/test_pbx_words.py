"""The PBX side's words in the reader's language."""

from __future__ import annotations

import re
from gettext import NullTranslations
from pathlib import Path

import pytest
from babel.support import Translations

import zeoncrm.ami
from zeoncrm.ami.rights import NEEDED, Rights
from zeoncrm.web.pbx_words import FOREIGN, LONGEST, WORDS, in_language

LOCALE = Path(__file__).parents[2] / "zeoncrm" / "locale"
RUSSIAN = Translations.load(LOCALE, ["ru"]).gettext
# In the source a long text may go on in another piece, and a place is in braces.
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in Path(zeoncrm.ami.__path__[0]).rglob("*.py"))


@pytest.mark.parametrize("words", WORDS)
def test_every_text_is_one_that_the_pbx_side_says(words: str) -> None:
    assert all(piece in SOURCE for piece in re.split(r"%\(\w+\)s", words))


@pytest.mark.parametrize(
    "words, russian",
    [
        ("closed by the PBX", "АТС закрыла соединение"),
        (
            "no connection to 192.0.2.7:5038: Connection refused",
            "нет соединения с 192.0.2.7:5038: в соединении отказано",
        ),
        ("no connection to pbx:5038 within 5 s", "нет соединения с pbx:5038 за 5 с"),
        ("no AMI answers there, but a web server", "там отвечает не AMI, а веб-сервер"),
        ("main: hung: silent for 10 s", "main: связь зависла: 10 с тишины"),
        ("/var/log/Master.csv: Permission denied", "/var/log/Master.csv: доступ запрещён"),
        (
            "a question of the dialplan is too long; 15 columns instead of 16 to 21",
            "вопрос диалплана слишком длинный; столбцов 15, а должно быть от 16 до 21",
        ),
        (
            "the states of phones are not known: only calls show who is busy (DeviceStateList: Permission denied)",
            "состояния телефонов неизвестны: кто занят, видно только по звонкам (DeviceStateList: доступ запрещён)",
        ),
        ("(2003, 'Can''t connect'): down", "(2003, 'Can''t connect'): down"),
        ("Extension does not exist.", "Extension does not exist."),
        ("", ""),
        (None, ""),
    ],
)
def test_words_are_said_in_the_readers_language_and_names_are_kept(words: str | None, russian: str) -> None:
    assert in_language(words, RUSSIAN) == russian


def test_what_the_lack_of_rights_costs_is_said_in_the_readers_language() -> None:
    lack = Rights(read=frozenset(), write=frozenset()).lack()
    assert lack is not None
    said = in_language(lack, RUSSIAN)
    assert said.startswith("у учётной записи нет read = call (звонков не видно")
    assert all(RUSSIAN(right.cost) in said for right in NEEDED)


def test_readers_of_english_read_what_stands_in_the_log() -> None:
    for words in (*WORDS, *FOREIGN, "no connection to pbx:5038: Connection refused"):
        assert in_language(words, NullTranslations().gettext) == words


def test_words_without_end_are_left_alone() -> None:
    endless = "; ".join(["closed by the PBX"] * LONGEST)
    assert in_language(endless, RUSSIAN) == endless
