"""Traces for OpenTelemetry: the extra `otel`, the setting `KITH_TRACES`, and the variables `OTEL_*` of its SDK.

The spans of requests are begun here and not by the instrumentation of ASGI, which records addresses with their queries
and takes half as long as a view, even for requests that are not traced. No span contains what a caller sent.
"""

import random
import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from graph.runtime import measurements

FLUSH_SECONDS = 2.0
"""How long spans may take to be sent when the service ends; after that they are lost."""
_PROPAGATOR = TraceContextTextMapPropagator()
_UNSAMPLED = "-00"
"""The end of a `traceparent` whose sender does not record its trace."""


class RecordedSpan:
    """A span that is recorded."""

    __slots__ = ("_context", "_tracer", "span")

    def __init__(self, tracer: Tracer, span: Any) -> None:
        self._tracer, self.span = tracer, span
        self._context: Context = set_span_in_context(span, Context())

    @property
    def trace_id(self) -> str:
        """The id of its trace, as in a `traceparent`."""
        return f"{self.span.get_span_context().trace_id:032x}"

    def child(
        self, name: str, attributes: measurements.Attributes, links: Sequence[measurements.Span] = ()
    ) -> "RecordedSpan":
        """Begin a part of this span, linked to other spans."""
        linked = [Link(other.span.get_span_context()) for other in links if isinstance(other, RecordedSpan)]
        kind = SpanKind.CLIENT if "db.system.name" in attributes else SpanKind.INTERNAL
        return RecordedSpan(self._tracer, self._tracer.start_span(name, self._context, kind, attributes, linked))

    def set(self, attributes: measurements.Attributes) -> None:
        """Add attributes."""
        self.span.set_attributes(attributes)

    def end(self, error: str = "") -> None:
        """End the span; `error` is the type or the code of an error, whose text is not recorded."""
        if error:
            self.span.set_attribute("error.type", error)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()


class OpenTelemetryTraces:
    """Begins the spans of requests.

    A share `ratio` of the requests is traced, and those whose `traceparent` says that their sender records its trace.
    """

    def __init__(self, ratio: float, version: str, exporter: SpanExporter | None = None) -> None:
        self._ratio = ratio
        kith = Resource({SERVICE_NAME: "kith", SERVICE_VERSION: version})
        # What `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say takes precedence. Requests are sampled here.
        self._provider = TracerProvider(
            resource=Resource.create().merge(kith).merge(OTELResourceDetector().detect()),
            sampler=ALWAYS_ON,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("kith", version)

    def request(
        self, name: str, traceparent: str, tracestate: str, attributes: measurements.Attributes
    ) -> RecordedSpan | None:
        """Begin the span of a request, with the values of two of its headers; `None` if it is not traced."""
        if traceparent.endswith(_UNSAMPLED):
            return None
        headers = {"traceparent": traceparent, "tracestate": tracestate}
        context = _PROPAGATOR.extract(headers, Context()) if traceparent else Context()
        if not context and random.random() >= self._ratio:
            return None
        span = self._tracer.start_span(name, context, SpanKind.SERVER, attributes)
        return RecordedSpan(self._tracer, span) if isinstance(span, Span) else None

    def close(self) -> None:
        """Send what was recorded, for a limited time."""
        # The SDK's own time limits are 10 s for each try and 30 s in all.
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(FLUSH_SECONDS)
