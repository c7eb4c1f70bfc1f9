"""What the links and trackers count, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

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
        for kind, name, words, value in METRICS:
            metric = kind(name, words, labels=["pbx"])
            for pbx in self._pbxs:
                metric.add_metric([pbx.name], value(pbx))
            yield metric


METRICS: tuple[tuple[type[CounterMetricFamily | GaugeMetricFamily], str, str, Callable[[Pbx], float]], ...] = (
    (
        CounterMetricFamily,
        "zeoncrm_ami_events",
        "AMI events of any kind",
        lambda pbx: pbx.connection.counters.events,
    ),
    (
        CounterMetricFamily,
        "zeoncrm_ami_messages",
        "AMI messages that calls are made of",
        lambda pbx: pbx.connection.counters.messages,
    ),
    (
        CounterMetricFamily,
        "zeoncrm_ami_dropped",
        "AMI messages that were too long",
        lambda pbx: pbx.connection.counters.dropped,
    ),
    (
        CounterMetricFamily,
        "zeoncrm_ami_unparsable",
        "AMI messages not understood",
        lambda pbx: pbx.connection.counters.unparsable,
    ),
    (
        CounterMetricFamily,
        "zeoncrm_ami_logins",
        "Log-ins to the PBX",
        lambda pbx: pbx.connection.counters.logins,
    ),
    (
        CounterMetricFamily,
        "zeoncrm_ami_stalls",
        "Links ended since events had stopped while calls went on",
        lambda pbx: pbx.connection.counters.stalls,
    ),
    (
        CounterMetricFamily,
        "zeoncrm_ami_drift",
        "Channels that snapshots showed otherwise",
        lambda pbx: pbx.tracker.drift,
    ),
    (
        GaugeMetricFamily,
        "zeoncrm_ami_backlog",
        "AMI messages not taken yet",
        lambda pbx: pbx.connection.backlog,
    ),
    (
        GaugeMetricFamily,
        "zeoncrm_ami_last_event_timestamp_seconds",
        "When the last event came that calls are made of; 0: none yet",
        lambda pbx: last.timestamp() if (last := pbx.connection.counters.last_message_at) else 0.0,
    ),
    (
        GaugeMetricFamily,
        "zeoncrm_ami_calls_in_progress",
        "Calls in progress on the PBX: with an old last event, its events may be dead",
        lambda pbx: len(pbx.tracker.calls),
    ),
    (
        CounterMetricFamily,
        "zeoncrm_cdr_made",
        "Calls made of the PBX's call records",
        lambda pbx: pbx.backfill.state.made if pbx.backfill else 0,
    ),
    (
        CounterMetricFamily,
        "zeoncrm_cdr_completed",
        "Calls completed from the PBX's call records",
        lambda pbx: pbx.backfill.state.completed if pbx.backfill else 0,
    ),
    (
        GaugeMetricFamily,
        "zeoncrm_cdr_trouble",
        "1 while the PBX's call records are not read well",
        lambda pbx: 1 if pbx.backfill and pbx.backfill.state.problem else 0,
    ),
)
