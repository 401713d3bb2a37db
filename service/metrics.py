"""What an operator watches, in Prometheus' text format. One registry an application: two can live in a process."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


class Metrics:
    """The counters of one application. Labels are routes and kinds, never ids: they would grow without end."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered.", "method", "route", "status")
        self.request_seconds = self._histogram("request_seconds", "Time to answer.", "method", "route")
        self.observations = self._counter("observations", "Rows handed over by agents.", "outcome")
        self.stage_seconds = self._histogram("stage_seconds", "Time of a stage of the pipeline.", "stage")
        self.jobs = self._counter("jobs", "Jobs ended.", "kind", "state")

    def text(self) -> bytes:
        """The page a collector reads."""
        return generate_latest(self.registry)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(name, says, labels, namespace="wardgraph", registry=self.registry)

    def _histogram(self, name: str, says: str, *labels: str) -> Histogram:
        return Histogram(name, says, labels, namespace="wardgraph", registry=self.registry, buckets=SECONDS)
