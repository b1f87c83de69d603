"""What an agent's folder says it is asked about, and how the router gets to know it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from switchboard.agent import Agent
from switchboard.agent.topics import topics_of, with_vectors
from switchboard.contracts.agent_topics import TopicText
from switchboard.contracts.cards import AgentCard, Knowledge, Skill
from switchboard.contracts.errors import BadConfiguration
from switchboard.models.embedder import DIMENSIONS, Vectors
from switchboard.sidecar import keys
from switchboard.sidecar.agent_topics import AgentTopicsStore
from switchboard.testing.agent import AgentProbe

ARTICLE = "---\nid: opening\ntitle: Opening hours\n---\n# Opening hours\n\n## When are you open?\n\nAt nine.\n"
QUESTIONS = 'opening:\n  "When are you open?":\n    - "what time can i come in"\n'
UTTERANCES = 'list_loans:\n  - "what did i borrow"\n"renew:not":\n  - "can loans be renewed at all"\n'


class CountingEmbedder:
    model_id = "counting"

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return np.ones((len(texts), DIMENSIONS), dtype=np.float32) / DIMENSIONS**0.5


@pytest.fixture
def card() -> AgentCard:
    return AgentCard(
        id="library",
        name="Library",
        version="1",
        description="Books",
        owner="tests",
        skills=[Skill(id="loans", description="Loans", examples=["Renew my book"])],
        instructions="Help.",
        knowledge=Knowledge(version="1"),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "opening.md").write_text(ARTICLE)
    (tmp_path / "kb" / "questions.yaml").write_text(QUESTIONS)
    (tmp_path / "utterances.yaml").write_text(UTTERANCES)
    return tmp_path


def test_headings_questions_and_utterances_are_topics(card: AgentCard, folder: Path) -> None:
    section = "opening#When are you open?"

    assert topics_of(card, folder).texts == (
        TopicText(section, "When are you open?"),
        TopicText(section, "what time can i come in"),
        TopicText("list_loans", "what did i borrow"),
        TopicText("renew:not", "can loans be renewed at all"),
    )


def test_an_agent_without_either_file_tells_its_headings(card: AgentCard, folder: Path) -> None:
    (folder / "kb" / "questions.yaml").unlink()
    (folder / "utterances.yaml").unlink()

    assert [each.text for each in topics_of(card, folder).texts] == ["When are you open?"]
    assert not topics_of(card.model_copy(update={"knowledge": None}), folder).texts


@pytest.mark.parametrize(("file", "text"), [("kb/questions.yaml", "opening: [1]"), ("utterances.yaml", "a: {b: c}")])
def test_a_file_of_another_shape_is_named(card: AgentCard, folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)

    with pytest.raises(BadConfiguration, match=file):
        topics_of(card, folder)


async def test_vectors_are_made_once_for_the_same_texts_and_model(card: AgentCard, folder: Path) -> None:
    topics, kept = topics_of(card, folder), folder / "kept" / "library.topics"
    first, second = CountingEmbedder(), CountingEmbedder()
    made = await with_vectors(topics, first, kept)

    assert await with_vectors(topics, second, kept) == made
    assert len(made.vectors) == len(topics.texts) * DIMENSIONS
    assert len(second.texts) == 1  # only to learn which model answers
    second.model_id = "another"
    assert (await with_vectors(topics, second, kept)).model_id == "another"


async def test_a_registered_agent_has_told_its_topics(card: AgentCard, folder: Path) -> None:
    (folder / "agent.yaml").write_text(card.model_dump_json())
    (folder / "utterances.yaml").unlink()  # this agent has no tools
    async with AgentProbe(Agent(folder), data_dir=folder / "data") as probe:
        async with asyncio.timeout(10):
            while (record := await probe.sidecar.state.get(keys.agent("library"))) is None:  # noqa: ASYNC110 - its first heartbeat
                await asyncio.sleep(0.01)
        told = await AgentTopicsStore(probe.sidecar.state).read("library", record.value["topics"])

    assert told is not None
    assert told.texts == topics_of(card, folder).texts
    assert len(told.vectors) == len(told.texts) * DIMENSIONS
