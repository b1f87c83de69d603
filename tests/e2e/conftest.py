"""What every end-to-end test gets."""

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor


@pytest.fixture(autouse=True)
def untraced() -> None:
    """Keeps this process's calls out of the traces: as their roots they would be spans that nobody collects.

    A unit test may have set this process up for tracing at any time before.
    """
    instrumentor = HTTPXClientInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
