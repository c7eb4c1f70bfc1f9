"""What the web counts for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from zeoncrm.pipeline.bus import Published
from zeoncrm.pipeline.events import CallEnded
from zeoncrm.web.live import LiveHub
from zeoncrm.web.services import Services


class Metrics:
    """The counters of one application, and what is looked up when somebody asks."""

    def __init__(self, services: Services, hub: LiveHub) -> None:
        self._services = services
        self._registry = CollectorRegistry()
        self._events = Counter(
            "zeoncrm_events", "Events published after their commit", ["type"], registry=self._registry
        )
        self._calls = Counter("zeoncrm_calls", "Calls that ended", ["direction", "result"], registry=self._registry)
        self._requests = Counter(
            "zeoncrm_http_requests", "Requests answered", ["method", "status"], registry=self._registry
        )
        self._registry.register(Gauges(services, hub))

    def note(self, published: Published) -> None:
        """Count an event of the bus."""
        event = published.event
        self._events.labels(type(event).__name__).inc()
        if isinstance(event, CallEnded):
            call = event.view.call
            self._calls.labels(call.direction.value, call.result.value if call.result else "").inc()

    async def note_answer(self, request: web.Request, response: web.StreamResponse) -> None:
        """Count an answer, as it begins."""
        self._requests.labels(request.method if request.method in METHODS else "other", str(response.status)).inc()

    def text(self) -> bytes:
        """Everything, the PBX side's part included."""
        return generate_latest(self._registry) + self._services.metrics()


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
METRICS = web.AppKey("metrics", Metrics)


async def metrics_context(services: Services, metrics: Metrics) -> AsyncIterator[None]:
    """Count the events while the application runs."""
    unsubscribe = services.bus.subscribe(metrics.note)
    yield
    unsubscribe()


class Gauges(Collector):
    """What is at this moment."""

    def __init__(self, services: Services, hub: LiveHub) -> None:
        self._services = services
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """The values now."""
        recorder = self._services.recorder
        yield _gauge("zeoncrm_calls_in_progress", "Calls that have not ended", len(tuple(recorder.live())))
        yield _gauge("zeoncrm_events_waiting", "Call events that are not written yet", recorder.waiting)
        yield _gauge(
            "zeoncrm_store_in_trouble", "1 while the database takes no calls", int(recorder.trouble is not None)
        )
        yield _gauge("zeoncrm_live_clients", "Open live sockets", len(self._hub.clients))
        up = GaugeMetricFamily("zeoncrm_pbx_up", "1 while the PBX is connected", labels=["pbx"])
        for name, status in self._services.pbx().items():
            up.add_metric([name], float(status.state == "up"))
        yield up
        trouble = GaugeMetricFamily(
            "zeoncrm_recordings_trouble", "1 while the PBX's recordings can't be read", labels=["pbx"]
        )
        for name, seen in self._services.folders().items():
            trouble.add_metric([name], float(seen.problem is not None))
        yield trouble


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)
