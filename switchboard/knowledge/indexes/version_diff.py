"""What differs between two states of an agent's knowledge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from switchboard.contracts.errors import NotFound
from switchboard.knowledge.articles.article import Article
from switchboard.knowledge.articles.versions import kb_version
from switchboard.knowledge.indexes.port import KnowledgeIndex, Version


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """Document ids; of the changed ones the text before and after, None where it is not kept any more."""

    older: str
    """A kb_version; empty for no knowledge at all."""
    newer: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str | None, str | None]] = field(
        default_factory=dict[str, tuple[str | None, str | None]]
    )


def diff_versions(index: KnowledgeIndex, agent: str, older: str | None = None, newer: str | None = None) -> VersionDiff:
    """Two recorded versions; by default the live one and the one before it. Raises `NotFound` for an unknown one."""
    versions = index.versions(agent)
    if not versions:
        raise NotFound(f"The agent {agent} has no knowledge in this index.")
    after = _named(versions, newer) if newer else versions[0]
    place = versions.index(after)
    before = _named(versions, older) if older else versions[place + 1] if place + 1 < len(versions) else None

    def text(document: str, version: str) -> str | None:
        found = index.document(agent, document, version)
        return found.text if found else None

    old: Mapping[str, str] = before.documents if before else {}
    changed = {
        each: (text(each, old[each]), text(each, after.documents[each])) for each in _changed(old, after.documents)
    }
    return _difference(before.name if before else "", after.name, old, after.documents, changed)


def diff_folder(index: KnowledgeIndex, agent: str, articles: Sequence[Article]) -> VersionDiff:
    """The live version, and what these articles would make of it."""
    versions = index.versions(agent)
    old: Mapping[str, str] = versions[0].documents if versions else {}
    new = {article.id: article.version for article in articles}
    texts = {article.id: article.text for article in articles}
    changed: dict[str, tuple[str | None, str | None]] = {}
    for each in _changed(old, new):
        found = index.document(agent, each)
        changed[each] = (found.text if found else None, texts[each])
    return _difference(versions[0].name if versions else "", kb_version(new), old, new, changed)


def _named(versions: Sequence[Version], name: str) -> Version:
    for each in versions:
        if each.name.startswith(name):
            return each
    raise NotFound(f"There is no version {name}; the latest are {', '.join(each.name for each in versions[:5])}.")


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return sorted(each for each in old.keys() & new.keys() if old[each] != new[each])


def _difference(
    older: str,
    newer: str,
    old: Mapping[str, str],
    new: Mapping[str, str],
    changed: Mapping[str, tuple[str | None, str | None]],
) -> VersionDiff:
    added, removed = tuple(sorted(new.keys() - old.keys())), tuple(sorted(old.keys() - new.keys()))
    return VersionDiff(older, newer, added, removed, changed)
