from __future__ import annotations

import hypothesis

pytest_plugins = ["tests.broker.fixture"]

# How long an example takes is the machine's affair, and no assertion.
hypothesis.settings.register_profile("fishweir", deadline=None)
hypothesis.settings.load_profile("fishweir")
