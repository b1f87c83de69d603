"""On a loaded machine one example may take long; how long is no matter of these tests."""

from hypothesis import settings

settings.register_profile("loaded", deadline=None)
settings.load_profile("loaded")
