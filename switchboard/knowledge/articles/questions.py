"""What customers ask that a section answers, in their words: `questions.yaml` beside the articles.

Article id → heading of a section → questions. A section is found by the nearest of them, whatever words it uses itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from switchboard.contracts.errors import BadConfiguration
from switchboard.contracts.yaml_file import read_yaml
from switchboard.knowledge.articles.article import Article

QUESTIONS_FILE = "questions.yaml"
FILE_BYTES_MAX = 5_000_000
SECTION_QUESTIONS_MAX = 50

Questions = Mapping[str, Mapping[str, tuple[str, ...]]]
_questions = TypeAdapter(dict[str, dict[str, tuple[str, ...]]])


@dataclass(frozen=True, slots=True)
class QuestionsFile:
    """Read, and not yet held against the articles."""

    path: Path
    questions: Questions

    def added_to(self, article: Article) -> Article:
        """The article with its questions. Raises `BadConfiguration` for a heading that it does not have."""
        asked = self.questions.get(article.id)
        if not asked:
            return article
        unknown = sorted(asked.keys() - {chunk.section for chunk in article.chunks()})
        if unknown:
            raise BadConfiguration(f"{self.path}: the article '{article.id}' has no section '{unknown[0]}'.")
        return Article(article.front, article.text, asked)

    def check_articles(self, known: set[str]) -> None:
        """Raises `BadConfiguration` for an article that is not there."""
        unknown = sorted(self.questions.keys() - known)
        if unknown:
            raise BadConfiguration(f"{self.path}: there is no article '{unknown[0]}'.")


def read_questions(folder: Path) -> QuestionsFile | None:
    """The folder's questions; None where there are none. Raises `BadConfiguration` with what is wrong."""
    path = folder / QUESTIONS_FILE
    if not path.is_file():
        return None
    if path.stat().st_size > FILE_BYTES_MAX:
        raise BadConfiguration(f"{path} is larger than 5 MB.")
    questions = read_yaml(path, _questions)
    for article, sections in questions.items():
        for heading, asked in sections.items():
            if len(asked) > SECTION_QUESTIONS_MAX:
                raise BadConfiguration(
                    f"{path}: '{heading}' of '{article}' has more than {SECTION_QUESTIONS_MAX} questions."
                )
    return QuestionsFile(path, questions)
