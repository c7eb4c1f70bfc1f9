"""Everything that people do with telephones, as scenarios by name."""

from tests.pbx.scenarios import (
    conferences,
    forwards,
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
    forwards,
    transfers_more,
    oddities,
)

SCENARIOS: dict[str, Scenario] = {
    item.name: item for module in _MODULES for item in vars(module).values() if isinstance(item, Scenario)
}
