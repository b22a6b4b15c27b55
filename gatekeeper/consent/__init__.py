"""What the visitor said, and what holds because of it; knows nothing of rules, fields or clocks.

Reading order: :mod:`category` (what can be consented to), :mod:`choice` (what was said), :mod:`readers` (how a cookie
tells it), :mod:`native` (Gatekeeper's own cookie), :mod:`grant` (what holds now).
"""
