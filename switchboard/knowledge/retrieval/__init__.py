"""From a question to passages for a prompt, and from an answer back to the words that it cites."""
