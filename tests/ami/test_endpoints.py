"""Phones and trunks are told apart by evidence; what is unclear counts as outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from zeoncrm.ami import messages as m
from zeoncrm.ami.endpoints import Evidence, device_used_as_trunk, judged, named_otherwise, phones_of
from zeoncrm.pipeline.endpoints import EndpointKind, EndpointSign
from zeoncrm.pipeline.numbering import Numbering

NOBODY = Numbering("RU")
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PHONE = Evidence("PJSIP/105", registers=True, logs_in_there=False)
OWN = {"PJSIP/105": {"105"}, "SIP/2001": {"2001"}}
SEVEN = frozenset({"7"})


@pytest.mark.parametrize(
    "evidence, kind, sign",
    [
        (PHONE, EndpointKind.PHONE, EndpointSign.REGISTERS),
        (Evidence("PJSIP/10542", registers=True), EndpointKind.PHONE, EndpointSign.REGISTERS),
        (Evidence("PJSIP/7", hints=SEVEN, alone=SEVEN), EndpointKind.PHONE, EndpointSign.HINT),
        (Evidence("SIP/105", registers=False, hints=frozenset({"105"})), EndpointKind.PHONE, EndpointSign.HINT),
        (Evidence("SCCP/105", queue_member=True), EndpointKind.PHONE, EndpointSign.QUEUE_MEMBER),
        (Evidence("PJSIP/trunk", registers=False), EndpointKind.TRUNK, EndpointSign.FIXED_ADDRESS),
        (Evidence("PJSIP/4952150000", registers=False), EndpointKind.TRUNK, EndpointSign.FIXED_ADDRESS),
        (Evidence("PJSIP/4952150000", logs_in_there=True), EndpointKind.TRUNK, EndpointSign.LOGS_IN_THERE),
        (replace(PHONE, logs_in_there=True), EndpointKind.TRUNK, EndpointSign.LOGS_IN_THERE),
        (replace(PHONE, carries_calls=True), EndpointKind.TRUNK, EndpointSign.CARRIES_CALLS),
        (Evidence("PJSIP/anna", registers=True), EndpointKind.UNCLEAR, EndpointSign.NO_NUMBER),
        (Evidence("PJSIP/105"), EndpointKind.UNCLEAR, EndpointSign.NOTHING),
    ],
)
def test_the_kind_follows_from_the_evidence(evidence: Evidence, kind: EndpointKind, sign: EndpointSign) -> None:
    endpoint = judged(evidence, NOBODY)
    assert (endpoint.kind, endpoint.sign) == (kind, sign)


def test_an_extension_of_somebody_is_a_phone_whatever_else_is_known() -> None:
    numbering = replace(NOBODY, extensions=frozenset({"105"}), trunks=("PJSIP/*",))
    assert judged(Evidence("PJSIP/105", registers=False), numbering).sign is EndpointSign.PERSON


def test_trunks_of_the_configuration_go_before_all_that_is_found_out() -> None:
    endpoint = judged(replace(PHONE, hints=frozenset({"105"})), replace(NOBODY, trunks=("PJSIP/10*",)))
    assert (endpoint.kind, endpoint.sign) == (EndpointKind.TRUNK, EndpointSign.CONFIG)


def watched(device: str, alone: str = "", together: str = "", **more: Any) -> Evidence:
    """A device that the dialplan watches as these numbers."""
    by_itself = frozenset(alone.split())
    return Evidence(device, hints=by_itself | frozenset(together.split()), alone=by_itself, **more)


@pytest.mark.parametrize(
    "evidence, extension, kind",
    [
        (watched("PJSIP/desk-anna", alone="105", registers=True), "105", EndpointKind.PHONE),
        (watched("PJSIP/0004f2040001", alone="105"), "105", EndpointKind.PHONE),
        (watched("DAHDI/5", alone="101"), "101", EndpointKind.PHONE),
        (watched("DAHDI/1", alone="901"), "1", EndpointKind.UNCLEAR),
        (watched("DAHDI/5", alone="5"), "5", EndpointKind.UNCLEAR),
        # Somebody's softphone beside the phone on the desk.
        (watched("PJSIP/99101", together="101"), "101", EndpointKind.PHONE),
        # A lamp for a group is no extension of its members, unless it is somebody's.
        (watched("PJSIP/desk-anna", together="600"), "desk-anna", EndpointKind.UNCLEAR),
        (watched("PJSIP/105", alone="105", together="600", registers=True), "105", EndpointKind.PHONE),
        (watched("PJSIP/1001", alone="205", registers=True), "205", EndpointKind.PHONE),
        # Which of two it is nobody knows.
        (watched("PJSIP/desk-anna", alone="105 106"), "desk-anna", EndpointKind.UNCLEAR),
        (watched("PJSIP/desk-anna", alone="101 106"), "101", EndpointKind.PHONE),
        # A lamp for a trunk.
        (watched("SIP/carrier", alone="901", registers=False), "901", EndpointKind.TRUNK),
        (watched("SIP/carrier", alone="901", logs_in_there=True), "901", EndpointKind.TRUNK),
    ],
)
def test_a_device_is_of_the_extension_that_the_dialplan_watches_it_as(
    evidence: Evidence, extension: str, kind: EndpointKind
) -> None:
    endpoint = judged(evidence, replace(NOBODY, extensions=frozenset({"101"})))
    assert (endpoint.extension, endpoint.kind) == (extension, kind)


def test_only_devices_that_do_not_tell_their_extension_are_kept_with_it() -> None:
    devices = (
        PHONE,
        watched("PJSIP/desk-anna", "106"),
        watched("DAHDI/107", "107"),
        watched("SIP/x", "9", registers=False),
    )
    numbering = replace(NOBODY, extensions=frozenset({"107"}))
    found = named_otherwise(judged(each, numbering) for each in devices)
    assert found == {"PJSIP/desk-anna": "106", "DAHDI/107": "107"}


def test_only_phones_become_extensions() -> None:
    found = [judged(each, NOBODY) for each in (PHONE, Evidence("PJSIP/106"), Evidence("PJSIP/trunk", registers=False))]
    assert phones_of(found) == {"105"}


def incoming(name: str, number: str | None, state: int = 4, created: bool = True) -> m.ChannelSeen:
    return m.ChannelSeen(AT, m.Facts("1.1", name, "1.1", state, number), created)


def dialling(name: str, dialled: str | None) -> m.DialBegan:
    return m.DialBegan(AT, None, m.Facts("1.2", name, "1.2", 0), dialled)


@pytest.mark.parametrize(
    "message, device",
    [
        (incoming("PJSIP/105-00000001", "105"), None),
        (incoming("PJSIP/105-00000001", None), None),
        (incoming("PJSIP/105-00000001", "Anonymous"), None),
        (incoming("PJSIP/105-00000001", "79031112233"), "PJSIP/105"),
        # A branch office behind one registration.
        (incoming("SIP/2001-00000001", "301"), "SIP/2001"),
        (incoming("SIP/2001-00000001", "79031112233", state=0), "SIP/2001"),
        (incoming("SIP/2001-00000001", None, state=0), None),
        # Called by the PBX, or later: the number is what the dialplan made of it.
        (incoming("PJSIP/105-00000001", "79031112233", state=0), None),
        (incoming("PJSIP/105-00000001", "74952150000", created=False), None),
        (incoming("PJSIP/106-00000001", "79031112233"), None),
        (dialling("PJSIP/105-00000001", "105"), None),
        (dialling("PJSIP/105-00000001", None), None),
        (dialling("PJSIP/105-00000001", "105/sip:105@10.0.0.5:5060"), None),
        (dialling("PJSIP/105-00000001", "105/sip:k3j8f2s1@10.0.0.5:5060"), None),
        (dialling("SIP/2001-00000001", "2001/79031112233"), "SIP/2001"),
        (dialling("PJSIP/105-00000001", "79031112233@105"), "PJSIP/105"),
    ],
)
def test_a_device_that_carries_calls_of_other_numbers_shows_itself(message: m.Message, device: str | None) -> None:
    assert device_used_as_trunk(message, OWN, "RU") == device


def test_a_number_that_the_pbx_puts_on_a_phones_calls_is_its_own() -> None:
    message = incoming("PJSIP/105-00000001", "+74952150000")
    assert device_used_as_trunk(message, {"PJSIP/105": {"105", "74952150000"}}, "RU") is None
