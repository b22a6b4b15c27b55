"""Belchenrad, a sample legacy app: a bicycle shop that sets every cookie it can think of and asks afterwards.

It knows nothing of Gatekeeper. Its consent banner stores a choice, and nothing in the shop ever obeys
it: that makes it worth putting a gate in front. ``python -m examples.shop --help`` starts it.
"""
