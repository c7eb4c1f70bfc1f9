"""The addresses of the pages."""

from __future__ import annotations

from aiohttp import web

from zeoncrm.web.pages import board, call_settings, calls, contacts, deals, missed, pbx, people, profile, recordings

PAGES: list[web.RouteDef] = [
    web.get("/", board.front),
    web.get("/board", board.board_page),
    web.get("/board/{pipeline}", board.board_page),
    web.get("/board/{pipeline}/column/{stage}", board.column_page),
    web.get("/board/{pipeline}/changed", board.changed_part),
    web.get("/deals/{id}", deals.deal_page),
    web.get("/deals/{id}/story", deals.deal_story),
    web.post("/deals/{id}/notes", deals.write_deal_note),
    web.get("/contacts", contacts.contacts_page),
    web.post("/contacts", contacts.new_contact),
    web.get("/contacts/{id}", contacts.contact_page),
    web.get("/contacts/{id}/story", contacts.contact_story),
    web.post("/contacts/{id}/notes", contacts.write_contact_note),
    web.get("/calls", calls.calls_page),
    web.get("/calls/missed", missed.missed_page),
    web.get("/calls/{id}/card", calls.card_part),
    web.get("/recordings/{id}/player", recordings.player_part),
    web.get("/settings", profile.settings_front),
    web.get("/settings/profile", profile.profile_page),
    web.post("/settings/profile", profile.save_profile),
    web.post("/settings/profile/password", profile.save_password),
    web.post("/settings/profile/sessions", profile.end_sessions),
    web.post("/settings/profile/tokens", profile.make_token),
    web.post("/settings/profile/tokens/{id}/revoke", profile.end_token),
    web.get("/settings/calls", call_settings.call_settings_page),
    web.post("/settings/calls", call_settings.save_call_settings),
    web.get("/settings/people", people.people_page),
    web.get("/settings/people/new", people.new_person_page),
    web.post("/settings/people/new", people.make_person),
    web.get("/settings/people/{id}", people.person_page),
    web.post("/settings/people/{id}", people.save_person),
    web.get("/pbx", pbx.pbx_page),
    web.get("/pbx/lamp", pbx.lamp_part),
]
