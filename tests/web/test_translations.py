"""Every text that people may read is there in every language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tools.messages import catalogs, extracted, read
from zeoncrm.ami.rights import NEEDED
from zeoncrm.pipeline.calls_to_deals import NAMELESS
from zeoncrm.pipeline.stages import DEFAULT_PIPELINE, DEFAULT_STAGES
from zeoncrm.web import auth, errors, inputs
from zeoncrm.web.message_ids import MESSAGE_IDS
from zeoncrm.web.pages import call_settings
from zeoncrm.web.services import Services

TEXTS = extracted()
PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")


def test_russian_is_among_the_languages() -> None:
    languages = Services.__dataclass_fields__["languages"].default
    assert languages == ("en", *(path.parent.parent.name for path in catalogs()))


@pytest.mark.parametrize("path", catalogs(), ids=lambda path: path.parent.parent.name)
def test_a_catalog_has_every_text_and_no_other(path: Path) -> None:
    catalog = read(path)
    assert {_key(message) for message in TEXTS} == {_key(message) for message in catalog}
    assert not [message.id for message in catalog if message.id and (message.fuzzy or not _forms(message))]


@pytest.mark.parametrize("path", catalogs(), ids=lambda path: path.parent.parent.name)
def test_a_translation_has_the_places_of_its_text(path: Path) -> None:
    catalog = read(path)
    for message in catalog:
        wanted = set(PLACES.findall(message.id if isinstance(message.id, str) else message.id[0]))
        for form in _forms(message) if message.id else ():
            assert set(PLACES.findall(form)) == wanted, message.id


@pytest.mark.parametrize("path", catalogs(), ids=lambda path: path.parent.parent.name)
def test_a_plural_has_every_form_of_its_language(path: Path) -> None:
    catalog = read(path)
    plurals = [message for message in catalog if message.pluralizable]
    assert plurals
    for message in plurals:
        assert len(_forms(message)) == catalog.num_plurals


def test_texts_that_stand_as_values_are_named_for_the_catalogs() -> None:
    values = {
        DEFAULT_PIPELINE,
        *(name for name, _ in DEFAULT_STAGES),
        NAMELESS,
        auth.WRONG,
        *errors.DETAILS.values(),
        *inputs.WORDS.values(),
        *call_settings.WRONG.values(),
        *(right.cost for right in NEEDED),
    }
    assert values <= set(MESSAGE_IDS)


def _key(message: Message) -> tuple[object, object]:
    return message.id, message.context


def _forms(message: Message) -> list[str]:
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return forms if all(forms) else []
