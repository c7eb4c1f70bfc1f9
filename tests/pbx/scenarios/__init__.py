"""Everything that people do with telephones, as scenarios by name."""

from collections.abc import Iterable

from tests.pbx.scenarios import (
    agents,
    clicks,
    combinations,
    conferences,
    devices,
    forwards,
    freepbx,
    inbound,
    oddities,
    outgoing,
    queue_members,
    queues,
    transfers,
    transfers_more,
)
from tests.pbx.scenarios.scenario import Scenario

_MODULES = (
    inbound,
    queues,
    queue_members,
    outgoing,
    transfers,
    conferences,
    agents,
    forwards,
    transfers_more,
    oddities,
    devices,
    freepbx,
    clicks,
    combinations,
)

# Those in which channels, linkedids and calls are told apart in most different ways.
BY_SYSTEM_NAME = (
    "attended_transfer_dtmf",
    "group_pickup",
    "originate_click_to_call",
    "parked_and_taken",
    "phone_attended_transfer_to_the_outside",
    "queue_local_members",
)

# Those in which chan_sip says something else than PJSIP, or says it at another time, and what everybody does.
BY_CHAN_SIP = (
    *("direct_answered", "caller_gives_up", "phone_busy", "phone_rejects", "phone_rings_and_is_unavailable"),
    *("queue_ringall", "queue_tries_its_member_again", "queue_local_members", "group_pickup", "directed_pickup"),
    *("blind_transfer_dtmf", "attended_transfer_dtmf", "phone_blind_transfer", "phone_attended_transfer"),
    *("phone_blonde_transfer", "phone_attended_transfer_to_the_outside", "two_numbers_called_and_connected"),
    *("parked_and_taken", "outbound_answered", "outbound_carrier_gives_up", "outbound_unknown_number"),
    *("originate_click_to_call", "click_to_call_local", "click_to_call_rep_rejects", "internal_call"),
    *("phone_forwards_to_a_mobile", "phone_forwards_to_a_colleague", "number_plays_instead_of_ringing"),
)

# Those in which a trunk by IAX2 says something else than one by PJSIP.
BY_IAX2 = (
    *("direct_answered", "caller_gives_up", "phone_busy", "queue_ringall", "queue_caller_gives_up"),
    *("blind_transfer_dtmf", "attended_transfer_dtmf", "phone_blind_transfer", "phone_attended_transfer"),
    *("phone_attended_transfer_to_the_outside", "two_numbers_called_and_connected", "parked_and_taken"),
    *("outbound_answered", "outbound_carrier_gives_up", "outbound_unknown_number", "number_plays_instead_of_ringing"),
    *("originate_click_to_call", "click_to_call_local", "click_to_call_rep_rejects"),
    *("phone_forwards_to_a_mobile", "follow_me_mobile_answers", "blind_transfer_to_the_outside"),
)


def _by_name(scenarios: Iterable[Scenario]) -> dict[str, Scenario]:
    """Raises ValueError for a name that two of them have: one of them would never be played."""
    found: dict[str, Scenario] = {}
    for each in scenarios:
        if each.name in found:
            raise ValueError(f"two scenarios are named {each.name}")
        found[each.name] = each
    return found


SCENARIOS = _by_name(item for module in _MODULES for item in vars(module).values() if isinstance(item, Scenario))
