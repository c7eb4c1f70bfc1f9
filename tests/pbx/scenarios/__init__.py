"""Everything that people do with telephones, as scenarios by name."""

from tests.pbx.scenarios import inbound, outgoing, queue_members, queues, transfers
from tests.pbx.scenarios.scenario import Scenario

SCENARIOS: dict[str, Scenario] = {
    item.name: item
    for module in (inbound, queues, queue_members, outgoing, transfers)
    for item in vars(module).values()
    if isinstance(item, Scenario)
}
