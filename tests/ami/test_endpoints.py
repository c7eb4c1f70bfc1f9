"""Phones and trunks are told apart by evidence; what is unclear counts as outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from zeoncrm.ami import messages as m
from zeoncrm.ami.endpoints import Evidence, device_used_as_trunk, judged, phones_of
from zeoncrm.pipeline.endpoints import EndpointKind, EndpointSign
from zeoncrm.pipeline.numbering import Numbering

NOBODY = Numbering("RU")
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PHONE = Evidence("PJSIP/105", registers=True, logs_in_there=False)
OWN = {"PJSIP/105": "105", "SIP/2001": None}


@pytest.mark.parametrize(
    "evidence, kind, sign",
    [
        (PHONE, EndpointKind.PHONE, EndpointSign.REGISTERS),
        (Evidence("PJSIP/10542", registers=True), EndpointKind.PHONE, EndpointSign.REGISTERS),
        (Evidence("PJSIP/7", hinted=True), EndpointKind.PHONE, EndpointSign.HINT),
        (Evidence("SIP/105", registers=False, hinted=True), EndpointKind.PHONE, EndpointSign.HINT),
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
    endpoint = judged(replace(PHONE, hinted=True), replace(NOBODY, trunks=("PJSIP/10*",)))
    assert (endpoint.kind, endpoint.sign) == (EndpointKind.TRUNK, EndpointSign.CONFIG)


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
    assert device_used_as_trunk(message, {"PJSIP/105": "74952150000"}, "RU") is None
