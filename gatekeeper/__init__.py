"""Gatekeeper enforces cookie consent at the HTTP boundary."""

__version__ = "0.1.0"
