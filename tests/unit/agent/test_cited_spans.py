"""A citation names document, version and offsets of the sentences that the answer took."""

from switchboard.agent.citations import Passages
from switchboard.contracts.tools import Passage

TEXT = "Fees are due at once. A duplicate payment is refunded within five days. Call us."


def test_a_citation_is_narrowed_to_the_claim_and_widened_by_the_next_one() -> None:
    passages = Passages("tech")
    uri = "kb://tech/fees#100-181@0a1b2c3d"
    made = Passage(n=0, title="Fees", uri=uri, text=TEXT, document="fees", version="0a1b2c3d", start=100, end=181)
    passages.number([made])
    (first,) = passages.read("A duplicate payment is refunded within five days [1].")
    assert first.span == TEXT[22:71] == "A duplicate payment is refunded within five days."
    assert (first.document, first.version, first.start, first.end) == ("fees", "0a1b2c3d", 122, 171)
    assert first.uri == "kb://tech/fees#122-171@0a1b2c3d"
    assert list(passages.read(" Fees are due at once [1].")) == []
    (whole,) = passages.cited
    assert whole.span == TEXT[:71]
    assert whole.uri == "kb://tech/fees#100-171@0a1b2c3d"
