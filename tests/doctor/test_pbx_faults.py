"""Each thing that can be amiss with a PBX gets its own line."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import closing, suppress
from typing import Any

import pytest

from tests.ami.scripted_server import Behaviour, ScriptedServer
from tests.doctor.examined import ANNA, DEVICES, examined, ids, person, problems, well
from zeoncrm.doctor import line as line_module
from zeoncrm.doctor.findings import Finding, State
from zeoncrm.pipeline.people import Directory

READ = "AST_CONFIG(manager.conf,zeoncrm,read)"
WRITE = "AST_CONFIG(manager.conf,zeoncrm,write)"


async def at(behaviour: Behaviour, people: Directory = ANNA, **config: Any) -> list[Finding]:
    async with ScriptedServer(behaviour) as pbx:
        return await examined(pbx.port, people, **config)


async def test_a_pbx_at_which_all_is_well_gets_no_word_of_complaint() -> None:
    found = await at(well())
    assert {each.state for each in found} == {State.OK}, found
    assert "lines to the outside: PJSIP/carrier" in [each.text for each in found]


async def test_a_port_where_nothing_listens_is_told_from_a_host_that_is_away() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        assert ids(await examined(unused.getsockname()[1])) == ["pbx-refused"]


async def test_a_name_without_an_address_is_told() -> None:
    assert ids(await examined(5038, host="pbx.invalid")) == ["pbx-host-unknown"]


async def test_a_host_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "CONNECT", 0.05)
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with closing(socket.create_connection(listener.getsockname())):
            assert ids(await examined(listener.getsockname()[1])) == ["pbx-unreachable"]


@pytest.mark.parametrize(
    "greeting, named", [(b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"), (b"\x00\x01\r\n", "something that sends no text")]
)
async def test_what_is_no_ami_is_named(greeting: bytes, named: str) -> None:
    [found] = await at(Behaviour(greeting=greeting))
    assert (found.id, named in found.text) == ("pbx-not-ami", True)


async def test_a_web_server_is_made_to_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "CONNECT", 0.05)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        [found] = await examined(server.sockets[0].getsockname()[1])
    assert (found.id, "a web server" in found.text) == ("pbx-not-ami", True)


async def test_tls_is_made_to_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "CONNECT", 0.05)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def shake_hands() -> None:
        """With each that comes, until the server is shut down."""
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                client.settimeout(0.1)  # the first says nothing, and is held while the others are asked
                with client, suppress(OSError):
                    context.wrap_socket(client, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as server:
        shaking = asyncio.create_task(asyncio.to_thread(shake_hands))
        [found] = await examined(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        await shaking
    assert (found.id, "but TLS" in found.text) == ("pbx-not-ami", True)


async def test_a_port_that_says_nothing_at_all_is_taken_for_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONNECT", "_PROVOKED"):
        monkeypatch.setattr(line_module, name, 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        assert ids(await examined(silent.getsockname()[1])) == ["pbx-hangs"]


async def test_a_refused_log_in_says_from_which_address() -> None:
    found = await at(well(refuse_login="Authentication failed"))
    assert problems(found) == ["login-refused"]
    assert "from 127.0.0.1" in found[-1].text


async def test_an_account_that_may_log_in_but_once_is_told() -> None:
    assert problems(await at(well(refuse_login="Login Already In Use"))) == ["login-in-use"]


@pytest.mark.parametrize("action", ["Login", "Getvar", "Ping", "DeviceStateList", "ListCommands"])
async def test_a_pbx_that_stops_answering_does_not_hold_doctor_up(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSWER", "LISTING"):
        monkeypatch.setattr(line_module, name, 0.05)
    found = await at(well(unanswered=frozenset({action})))
    assert problems(found)[-1] == "pbx-hangs"
    assert action in found[-1].text


@pytest.mark.parametrize(
    "variables, write, found",
    [
        ({READ: "system,agent,cdr"}, "call,originate", ["right-read-call"]),
        ({READ: "call,agent,cdr"}, "call,originate", ["right-read-system"]),
        ({READ: "call,system,cdr"}, "call,originate", ["right-read-agent"]),
        ({READ: "call,system,agent"}, "call,originate", ["right-read-cdr"]),
        ({WRITE: "call"}, "call", ["right-write-originate"]),
        ({WRITE: "originate"}, "originate", ["right-write-call"]),
        ({READ: "", WRITE: ""}, "call,originate", []),
        ({WRITE: "call"}, "call,originate", ["rights-not-reloaded"]),
        ({READ: "all", WRITE: "all"}, "call,originate", []),
    ],
)
async def test_each_right_is_told_by_its_class(variables: dict[str, str], write: str, found: list[str]) -> None:
    assert [each for each in problems(await at(well(variables=variables, write=write))) if "right" in each] == found


async def test_rights_that_can_t_be_learned_and_such_that_are_too_many_are_noted() -> None:
    assert "rights-unknown" in ids(await at(well(variables={READ: "", WRITE: ""})))
    assert "rights-too-many" in ids(await at(well(variables={READ: "all"})))


@pytest.mark.parametrize(
    "variable, value, found",
    [
        ("VERSION()", "11.25.3", ["asterisk-too-old"]),
        ("VERSION()", "certified/18.9-cert8", []),
        ("VERSION()", "23.0.0", ["asterisk-untried"]),
        ("VERSION()", "16.28.0~dfsg-0+deb11u4", []),
        ("AST_CONFIG(manager.conf,zeoncrm,writetimeout)", "", ["write-timeout"]),
        ("AST_CONFIG(manager.conf,zeoncrm,writetimeout)", "100", ["write-timeout"]),
        ("DIALPLAN_EXISTS(from-internal)", "0", ["originate-context"]),
        ("DIALPLAN_EXISTS(from-internal,101,1)", "0", ["originate-extension"]),
        ("DIALPLAN_EXISTS(from-internal,79123456789,1)", "0", ["originate-number"]),
        ("DEVICE_STATE(PJSIP/101)", "UNAVAILABLE", ["phone-unreachable"]),
    ],
)
async def test_each_setting_that_is_amiss_is_told(variable: str, value: str, found: list[str]) -> None:
    assert ids(await at(well(variables={variable: value}))) == found


@pytest.mark.parametrize("ahead, found", [(9.0, []), (70.0, ["clock"]), (-3600.0, ["clock"])])
async def test_clocks_are_compared(ahead: float, found: list[str]) -> None:
    assert ids(await at(well(clock_ahead=ahead))) == found


async def test_a_context_that_could_be_read_as_something_else_is_not_asked_for() -> None:
    async with ScriptedServer(well()) as pbx:
        found = await examined(pbx.port, originate_context="x),SHELL(id")
        assert problems(found) == ["originate-context"]
        assert not any("SHELL" in action.get("Variable", "") for action in pbx.sessions[0].actions)


async def test_events_that_do_not_come_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeoncrm.doctor.dialplan.ANSWER", 0.05)
    assert problems(await at(well(echoes=False))) == ["events-silent"]


async def test_an_extension_that_the_pbx_does_not_have_is_told() -> None:
    gone = well(variables={"DEVICE_STATE(PJSIP/101)": "INVALID"}, devices={"PJSIP/carrier": "NOT_INUSE"})
    found = await at(gone)
    assert problems(found) == ["extension-unknown"]
    assert any("the PBX has no PJSIP/101" in each.text for each in found)


async def test_a_template_of_the_wrong_technology_is_told_by_the_devices_that_are_there() -> None:
    found = await at(well(variables={"DEVICE_STATE(SIP/101)": "INVALID"}), originate_channel="SIP/{extension}")
    assert problems(found) == ["originate-channel"]
    assert any("the PBX has PJSIP/101" in each.text for each in found)


async def test_phones_that_are_nobody_s_and_lines_that_are_unknown_are_noted() -> None:
    devices = DEVICES | {"PJSIP/105": "UNAVAILABLE", "SIP/desk": "NOT_INUSE"}
    variables = {"PJSIP_ENDPOINT(105,aors)": "105", "PJSIP_AOR(105,max_contacts)": "1"}
    found = await at(well(devices=devices, variables=variables), trunks=["PJSIP/carrier", "DAHDI/*"])
    assert ids(found) == ["phone-without-person", "trunk-unmatched", "endpoint-unclear"]


async def test_a_line_that_is_away_is_noted_and_so_is_that_there_is_none() -> None:
    assert ids(await at(well(devices=DEVICES | {"PJSIP/carrier": "UNAVAILABLE"}))) == ["trunk-unreachable"]
    assert ids(await at(well(devices={"PJSIP/101": "NOT_INUSE"}))) == ["trunk-none"]


async def test_a_call_is_not_tried_when_nothing_would_tell_of_it() -> None:
    async with ScriptedServer(well(variables={READ: "system,agent,cdr"})) as pbx:
        found = await examined(pbx.port, call="101")
        assert problems(found)[-1] == "call-refused"
        assert "Originate" not in pbx.sessions[0].names()


async def test_what_a_pbx_says_can_t_move_the_terminal() -> None:
    from zeoncrm.doctor.findings import line, ok

    assert "\033" not in line(ok("pbx", "Asterisk \033[2J"), colour=False)


async def test_nobody_s_phone_is_looked_for_when_there_is_nobody() -> None:
    found = await at(well(), Directory.of(1, [person("olga", role="admin")]))
    assert problems(found) == []
