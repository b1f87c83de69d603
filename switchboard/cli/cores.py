"""How many cores numpy may use in a command that measures."""

import os


def one_core() -> None:
    """Linear algebra on one core, as the services run it; call it before numpy is imported.

    More threads make the small products of a single decision no faster, and much slower where the machine is busy.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
