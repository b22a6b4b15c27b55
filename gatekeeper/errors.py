"""The base of every exception that Gatekeeper raises."""


class GatekeeperError(Exception):
    """Something that the operator has to know; its text is fit to be shown to them.

    Bad *input* (a field, a cookie, a consent value) is never an exception but a value: an ignored cookie, an undecided
    choice, a verdict. Exceptions are for the operator's own files and for the network.
    """
