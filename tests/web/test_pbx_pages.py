"""The operator's page of the PBX links, the trace of a call, and their API."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from tests.ami.recorded import recording
from tests.web.desks import NotedDesk
from tests.web.world import NOON, PBX, World
from zeoncrm.ami.recording import calls_in, read_stream
from zeoncrm.pipeline.calls import Call
from zeoncrm.pipeline.pbx_desks import BackfillSeen, Trouble
from zeoncrm.pipeline.recording_keeper import FolderSeen
from zeoncrm.web.services import PbxStatus


async def told(world: World, name: str) -> Call:
    """A recorded call happens; the call as it is kept."""
    each = recording(name)
    view = await world.tell(*world.desk.tell(each.data, each.numbering))
    return view.call


async def test_the_page_tells_an_admin_all_of_each_link(world: World) -> None:
    world.desk.lacking = frozenset({"write = originate"})
    trouble = Trouble(NOON, "connection refused")
    world.desk.more = {"reason": "something is amiss", "drift": 7, "trouble": trouble}
    text = (await (await world.browser("ada")).get("/pbx")).text
    for words in ("connected", "something is amiss", "3.2", "connection refused", "no click-to-call", "PJSIP/105"):
        assert words in text
    assert re.search(r"Drift</dt><dd>7<", text)


async def test_the_page_tells_how_the_records_of_calls_are_read(world: World) -> None:
    ada = await world.browser("ada")
    assert "records of calls are not read" in (await ada.get("/pbx")).text
    seen = BackfillSeen("csv", NOON, NOON, None, None, None, 3, 1)
    world.desk.more = {"backfill": seen}
    assert "3 calls filled in" in (await ada.get("/pbx")).text
    world.desk.more = {"backfill": replace(seen, problem="permission denied", problem_since=NOON)}
    assert "permission denied" in (await ada.get("/pbx")).text
    (link,) = (await (await world.api("ada")).get("/api/v1/pbx")).json["items"]
    assert (link["backfill"]["problem"], link["backfill"]["made"]) == ("permission denied", 3)


async def test_the_page_tells_a_short_write_timeout_and_clocks_that_differ(world: World) -> None:
    ada = await world.browser("ada")
    text = (await ada.get("/pbx")).text
    assert "writetimeout" not in text
    assert "Its clock" not in text
    world.desk.more = {"write_timeout": 100, "cuts_soon": True, "clock_ahead": -300.4, "clocks_differ": True}
    text = (await ada.get("/pbx")).text
    assert "writetimeout of the account is 100 ms" in text
    assert "Its clock is 300 s behind ours" in text
    assert "Nothing is amiss" not in text
    (link,) = (await (await world.api("ada")).get("/api/v1/pbx")).json["items"]
    assert (link["write_timeout"], link["clock_ahead"]) == (100, -300.4)


async def test_the_page_and_the_counts_tell_that_recordings_can_t_be_read(world: World) -> None:
    ada = await world.browser("ada")
    assert "Recordings" not in (await ada.get("/pbx")).text
    world.folders[PBX] = FolderSeen("/mnt/monitor")
    assert "/mnt/monitor" in (await ada.get("/pbx")).text
    world.folders[PBX] = FolderSeen("/mnt/monitor", "/mnt/monitor/2026: Permission denied", NOON)
    assert "/mnt/monitor/2026: Permission denied" in (await ada.get("/pbx")).text
    (link,) = (await (await world.api("ada")).get("/api/v1/pbx")).json["items"]
    assert link["recordings"]["problem"] == "/mnt/monitor/2026: Permission denied"
    assert f'zeoncrm_recordings_trouble{{pbx="{PBX}"}} 1.0' in (await ada.get("/metrics")).text


async def test_a_record_that_was_not_understood_stays_in_sight(world: World) -> None:
    ada, words = await world.browser("ada"), "a file that is cut short or damaged (Master.csv.1.gz)"
    world.desk.more = {"backfill": BackfillSeen("csv", NOON, NOON, None, None, Trouble(NOON, words), 3, 1)}
    text = (await ada.get("/pbx")).text
    assert "3 calls filled in" in text
    assert words in text
    (link,) = (await (await world.api("ada")).get("/api/v1/pbx")).json["items"]
    assert link["backfill"]["misread"]["reason"] == words


async def test_what_is_amiss_with_the_dialplans_questions_is_told_to_an_admin(world: World) -> None:
    ada = await world.browser("ada")
    assert "question of the dialplan" not in (await ada.get("/pbx")).text
    world.dialplan = Trouble(NOON, "a question of the dialplan does not end")
    assert "a question of the dialplan does not end" in (await ada.get("/pbx")).text


@pytest.mark.parametrize("state, words", [("auth-failed", "permit and deny"), ("down", "doctor says what to do.")])
async def test_a_link_that_is_not_up_has_a_remedy(world: World, state: str, words: str) -> None:
    world.desk.more = {"state": state, "reason": "Authentication failed"}
    text = html.unescape((await (await world.browser("ada")).get("/pbx")).text)
    assert "Authentication failed" in text
    assert words in text


async def test_others_see_the_state_and_no_more(world: World) -> None:
    text = (await (await world.browser("sveta")).get("/pbx")).text
    assert "connected" in text
    assert "PJSIP/105" not in text
    assert "Connect anew" not in text


async def test_a_link_whose_events_are_dead_is_named(world: World) -> None:
    world.desk.more = {"quiet": True}
    text = (await (await world.browser("ada")).get("/pbx", headers={"HX-Request": "true"})).text
    assert "No event comes while calls go on" in text
    assert "<form" not in text


async def test_an_admin_connects_anew(world: World) -> None:
    ada = await world.browser("ada")
    answer = await ada.post(f"/pbx/{PBX}/retry")
    assert (answer.status, answer.headers["Location"], world.desk.retries) == (303, "/pbx", 1)
    assert (await ada.post("/pbx/other/retry")).status == 404


async def test_a_phone_is_mapped_to_a_person_beside_what_they_have(world: World) -> None:
    ada = await world.browser("ada")
    anna = world.person("anna").id
    answer = await ada.post(f"/pbx/{PBX}/map", data={"extension": "105", "person": str(anna)})
    assert (answer.status, answer.headers["Location"]) == (303, "/pbx?saved=1")
    await world.refresh()
    assert world.directory.extensions_of(anna, PBX) == ("101", "105")
    assert "PJSIP/105" not in (await ada.get("/pbx")).text


@pytest.mark.parametrize(
    "given, words",
    [
        ({"extension": "102"}, "102 is the extension of Boris Petrov already"),
        ({"extension": "trunk"}, "Not an extension: trunk"),
        ({"extension": ""}, "Not an extension"),
        ({"person": ""}, "Choose somebody"),
        ({"person": "999"}, "Choose somebody"),
        ({"person": "٣"}, "Choose somebody"),
        ({"person": "0" * 19 + "1" + "9" * 5000}, "Choose somebody"),
    ],
)
async def test_a_mapping_that_can_not_be_is_refused_by_name(world: World, given: dict[str, str], words: str) -> None:
    ada = await world.browser("ada")
    form = {"extension": "105", "person": str(world.person("anna").id)} | given
    answer = await ada.post(f"/pbx/{PBX}/map", data=form)
    assert (answer.status, words in answer.text) == (422, True)
    await world.refresh()
    assert world.directory.extensions_of(world.person("anna").id, PBX) == ("101",)


async def test_a_person_who_is_switched_off_gets_no_phone(world: World) -> None:
    ada, boris = await world.browser("ada"), world.person("boris").id
    await ada.post(f"/settings/people/{boris}", data={"name": "Boris", "role": "rep", "extensions": "102"})
    answer = await ada.post(f"/pbx/{PBX}/map", data={"extension": "105", "person": str(boris)})
    assert (answer.status, "Choose somebody" in answer.text) == (422, True)


async def test_with_several_pbxs_a_phone_is_mapped_on_its_own(world: World) -> None:
    world.pbx["branch"] = PbxStatus("up", NOON, None)
    world.services.desks["branch"] = NotedDesk(  # type: ignore[index]
        lambda: world.directory.numbering("branch", "RU", ()), name="branch"
    )
    ada = await world.browser("ada")
    anna, boris = world.person("anna").id, world.person("boris").id
    for name, person in ((PBX, anna), ("branch", boris)):
        answer = await ada.post(f"/pbx/{name}/map", data={"extension": "105", "person": str(person)})
        assert answer.status == 303
    await world.refresh()
    assert world.directory.extensions_of(anna, PBX) == ("101", "105")
    assert world.directory.extensions_of(boris, "branch") == ("102", "105")
    refused = await ada.post("/pbx/branch/map", data={"extension": "105", "person": str(anna)})
    assert "105 is the extension of Boris Petrov already" in refused.text
    form = await ada.get(f"/settings/people/{boris}")
    assert 'value="102 105@branch"' in form.text
    kept = {"name": "Boris Petrov", "role": "rep", "active": "1", "extensions": "102 105@branch"}
    assert (await ada.post(f"/settings/people/{boris}", data=kept)).status == 303
    await world.refresh()
    assert world.directory.by_id[boris].extensions == (("", "102"), ("branch", "105"))
    unknown = await ada.post(f"/settings/people/{boris}", data=kept | {"extensions": "105@moon"})
    assert "There is no PBX of this name: moon" in unknown.text


async def test_the_trace_of_a_call_shows_its_events_and_what_became_of_them(world: World) -> None:
    call = await told(world, "asterisk22/blind_transfer_dtmf")
    text = (await (await world.browser("ada")).get(f"/calls/{call.id}/trace")).text
    for words in ("Newchannel", "BlindTransfer", "the call begins: inbound", "a phone talks: 101", "nothing new"):
        assert words in text
    assert f"zeoncrm replay FILE --extensions {','.join(leg.extension for leg in call.legs)}" in text


@pytest.mark.parametrize("masked", ["0", "1"])
async def test_the_recording_of_a_call_is_downloaded_and_gives_it_again(world: World, masked: str) -> None:
    call = await told(world, "asterisk22/blind_transfer_dtmf")
    answer = await (await world.browser("ada")).get(f"/calls/{call.id}/trace.ami?masked={masked}")
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="call-{call.id}')
    (again,) = calls_in(read_stream(answer.text.encode()), recording("asterisk22/blind_transfer_dtmf").numbering)
    assert (again.answered_by, again.last_extension) == (call.answered_by, call.last_extension)
    assert (again.number == call.number) is (masked == "0")


async def test_a_call_that_is_no_longer_kept_says_so(world: World) -> None:
    call_id = await world.ring("101")
    ada = await world.browser("ada")
    assert "no longer kept" in (await ada.get(f"/calls/{call_id}/trace")).text
    assert (await ada.get(f"/calls/{call_id}/trace.ami")).status == 404
    assert (await ada.get("/calls/01JD0000000000000000000000/trace")).status == 404


@pytest.mark.parametrize("login", ["anna", "sveta"])
async def test_only_admins_see_traces(world: World, login: str) -> None:
    call = await told(world, "asterisk22/direct_answered")
    browser = await world.browser(login)
    for path in (f"/calls/{call.id}/trace", f"/calls/{call.id}/trace.ami"):
        assert (await browser.get(path)).status == 403
    assert "/trace" not in (await browser.get("/calls")).text
    assert f"/calls/{call.id}/trace" in (await (await world.browser("ada")).get("/calls")).text


async def test_what_strangers_wrote_into_a_trace_is_escaped(world: World) -> None:
    each = recording("asterisk22/direct_answered")
    evil = each.data.replace(b"CallerIDName: ", b"CallerIDName: <script>alert(1)</script>")
    call_id = ""
    for event in world.desk.tell(evil, each.numbering):
        call_id = event.call_id
        await world.tell(event)
    text = (await (await world.browser("ada")).get(f"/calls/{call_id}/trace")).text
    assert "alert(1)" in text
    assert "<script>alert" not in text


async def test_the_api_tells_admins_of_the_links(world: World) -> None:
    ada = await world.api("ada")
    (link,) = (await ada.get("/api/v1/pbx")).json["items"]
    assert (link["name"], link["state"], link["drift"], link["backfill"]) == (PBX, "up", 0, None)
    assert {"device": "PJSIP/105", "kind": "phone", "sign": "registers", "reachable": True} in link["endpoints"]
    answer = await ada.post(f"/api/v1/pbx/{PBX}/retry")
    assert (answer.status, answer.json["name"], world.desk.retries) == (202, PBX, 1)
    assert (await ada.post("/api/v1/pbx/moon/retry")).status == 404
    assert (await (await world.api("sveta")).get("/api/v1/pbx")).status == 403
