"""Readers: one for each format of consent cookie. What a format is in :mod:`base`; which there are in :mod:`registry`."""
