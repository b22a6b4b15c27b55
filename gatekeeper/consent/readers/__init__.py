"""Readers of consent cookies, one for each format: :mod:`base` is what they share, :mod:`registry` chooses."""
