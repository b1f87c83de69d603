"""What an agent may tell the router: bounded, and known by its digest."""

from dataclasses import replace

from switchboard.contracts.agent_topics import TEXT_CHARACTERS_MAX, TEXTS_MAX, AgentTopics, TopicText


def test_every_topic_keeps_its_first_texts_where_there_are_too_many() -> None:
    many = [TopicText("a", f"question {n}") for n in range(TEXTS_MAX)]
    topics = AgentTopics.bounded([*many, TopicText("b", "the only one")])

    assert len(topics.texts) == TEXTS_MAX
    assert topics.texts[0] == TopicText("a", "question 0")
    assert topics.texts[-1] == TopicText("b", "the only one")


def test_texts_are_cut_stripped_and_told_once() -> None:
    topics = AgentTopics.bounded([TopicText("a", " two\n words "), TopicText("a", "two words"), TopicText("a", " ")])

    assert topics.texts == (TopicText("a", "two words"),)
    assert len(AgentTopics.bounded([TopicText("a", "x" * 999)]).texts[0].text) == TEXT_CHARACTERS_MAX


def test_the_digest_changes_with_texts_and_model() -> None:
    one = AgentTopics((TopicText("a", "x"),))

    assert one.digest != AgentTopics((TopicText("b", "x"),)).digest
    assert one.digest != replace(one, model_id="m").digest
    assert AgentTopics().digest == ""
