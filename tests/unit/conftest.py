"""Property tests are about what is right, never about how long it takes on a busy machine."""

from hypothesis import settings

settings.register_profile("trueup", deadline=None, print_blob=True)
settings.load_profile("trueup")
