"""What stands over an answer that is given again because no model answers."""

from typing import Final

BANNER: Final = "AI is temporarily limited; this answer may be outdated"
