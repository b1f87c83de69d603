"""Where conversations and memories are kept: hot, warm or cold.

`store` reads them wherever they are and moves them one tier down · `cold` is the lowest tier · `index` knows whose
they are and when each is to be looked at · `mover` is the job that does it.
"""
