"""What stops the system's runner and the command line."""


class OperatorError(Exception):
    """A failure that the person at the terminal can set right: one sentence says what is wrong and what to do."""
