"""A small Django site as many were built: admin, sessions, messages, a form, two languages, and trackers everywhere.

It knows nothing of Gatekeeper but for ``serve.py``, which can wrap it.
"""
