"""What the links and trackers count, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from zeoncrm.ami.pbx import Pbx


class PbxMetrics(Collector):
    """Counts of each PBX, read when they are asked for."""

    def __init__(self, pbxs: Iterable[Pbx]) -> None:
        self._pbxs = tuple(pbxs)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """All of them in Prometheus's text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The metrics, each with a value for each PBX."""
        messages = CounterMetricFamily("zeoncrm_ami_messages", "AMI messages that calls are made of", labels=["pbx"])
        dropped = CounterMetricFamily("zeoncrm_ami_dropped", "AMI messages that were too long", labels=["pbx"])
        unread = CounterMetricFamily("zeoncrm_ami_unparsable", "AMI messages not understood", labels=["pbx"])
        drift = CounterMetricFamily("zeoncrm_ami_drift", "Channels that snapshots showed otherwise", labels=["pbx"])
        backlog = GaugeMetricFamily("zeoncrm_ami_backlog", "AMI messages not taken yet", labels=["pbx"])
        for pbx in self._pbxs:
            counters, name = pbx.connection.counters, [pbx.name]
            messages.add_metric(name, counters.messages)
            dropped.add_metric(name, counters.dropped)
            unread.add_metric(name, counters.unparsable)
            drift.add_metric(name, pbx.tracker.drift)
            backlog.add_metric(name, pbx.connection.backlog)
        yield from (messages, dropped, unread, drift, backlog)
