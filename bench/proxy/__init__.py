"""Gatekeeper's proxy beside others: the same page, cookies and filter, on this machine."""
