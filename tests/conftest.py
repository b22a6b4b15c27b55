"""For all tests: Hypothesis draws the same examples in every run, so that a change is judged by what it changes.

``make fuzz`` draws new ones, and more of them.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("steady", derandomize=True)
settings.register_profile("new", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
