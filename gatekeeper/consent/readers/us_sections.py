"""The US sections of a GPP string: national, and one for each state that has its own.

Each begins with a version in six bits; then come fields of two bits, or lists of such fields, in an order and of a
length that the section has to itself: 0 does not apply, 1 opted out or no consent, 2 did not opt out or consent. A
further segment tells whether the browser sent Global Privacy Control, or in three states what was consented to of
sensitive data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.consent.readers.base import Said
from gatekeeper.consent.readers.bits import from_base64url

_VERSION_BITS = 6
_FIELD_BITS = 2
_DOES_NOT_APPLY, _YES, _MEANINGLESS = "00", "10", "11"
_GPC_SEGMENT = "01"
_OPT_OUTS = ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut")
# The other fields that tell a choice, too many to be written out; by their names in lower case.
_CONSENTS = {
    name.lower(): name
    for name in (
        "SensitiveDataProcessing",
        "KnownChildSensitiveDataConsents",
        "PersonalDataConsents",
        "AdditionalDataProcessingConsent",
    )
}


@dataclass(frozen=True)
class Layout:
    """The fields of a core segment in their order, written as ``Name`` or, for a list, ``Name*length``."""

    text: str
    fields: Mapping[str, tuple[int, int]] = field(init=False)  # where a field begins, in bits, and its length in fields
    bits: int = field(init=False)
    opt_outs: tuple[tuple[str, int], ...] = field(init=False)

    def __post_init__(self) -> None:
        fields = {}
        at = _VERSION_BITS
        for word in self.text.split():
            name, _, length = word.partition("*")
            fields[name] = (at, int(length or 1))
            at += _FIELD_BITS * int(length or 1)
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "bits", at)
        object.__setattr__(self, "opt_outs", tuple((name, fields[name][0]) for name in _OPT_OUTS if name in fields))


@dataclass(frozen=True)
class Section:
    """``layouts`` for each version that is known, the shorter before the longer. ``sensitive``: whether the further
    segment is about sensitive data.
    """

    name: str
    layouts: Mapping[int, tuple[Layout, ...]]
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class UsString:
    """One section's string, cut into its segments."""

    layout: Layout
    core: str
    gpc: bool = False
    sensitive: str = ""

    def opt_outs(self) -> dict[str, bool]:
        """What was said about selling, sharing and targeted advertising: False is an opt-out. Raises ValueError for the
        one value that means nothing.
        """
        codes = [(name, self.core[at : at + _FIELD_BITS]) for name, at in self.layout.opt_outs]
        if any(code == _MEANINGLESS for _, code in codes):
            raise ValueError("neither yes nor no")
        return {name: code == _YES for name, code in codes if code != _DOES_NOT_APPLY}

    def codes(self, name: str) -> tuple[int, ...]:
        """A field's value, or those of its entries where it is a list; empty where the section does not have it."""
        bits, (at, length) = self.core, self.layout.fields.get(name, (0, 0))
        if name == "SensitiveDataProcessing" and self.sensitive:
            bits, at, length = self.sensitive, 0, len(self.sensitive) // _FIELD_BITS
        return tuple(int(bits[at + _FIELD_BITS * one :][:_FIELD_BITS], 2) for one in range(length))


def _state(notice: str, sensitive: int, child: int, *, additional: bool = True, sensitive_notice: str = "") -> Layout:
    """What most states have in common."""
    return Layout(
        f"{notice} SaleOptOutNotice TargetedAdvertisingOptOutNotice {sensitive_notice} SaleOptOut "
        f"TargetedAdvertisingOptOut SensitiveDataProcessing*{sensitive} KnownChildSensitiveDataConsents*{child} "
        f"{'AdditionalDataProcessingConsent' if additional else ''} "
        "MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode"
    )


def _late_state(child: str) -> Layout:
    """The states of 2026: the version is that of the agreement between the companies (MSPA), whose part comes first."""
    return Layout(
        "MspaCoveredTransaction MspaMode ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice "
        f"SaleOptOut TargetedAdvertisingOptOut {child} AdditionalDataProcessingConsent"
    )


def _national(sensitive: int, child: int) -> Layout:
    return Layout(
        "SharingNotice SaleOptOutNotice SharingOptOutNotice TargetedAdvertisingOptOutNotice "
        "SensitiveDataProcessingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut "
        f"TargetedAdvertisingOptOut SensitiveDataProcessing*{sensitive} KnownChildSensitiveDataConsents*{child} "
        "PersonalDataConsents MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode"
    )


def _california() -> Layout:
    return Layout(
        "SaleOptOutNotice SharingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut "
        "SensitiveDataProcessing*9 KnownChildSensitiveDataConsents*2 PersonalDataConsents "
        "MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode"
    )


def _first(layout: Layout) -> dict[int, tuple[Layout, ...]]:
    return {1: (layout,)}


def _agreements(child: str = "KnownChildSensitiveDataConsents") -> dict[int, tuple[Layout, ...]]:
    return dict.fromkeys((1, 2, 3), (_late_state(child),))


_SHARING, _PROCESSING = "SharingNotice", "ProcessingNotice"

# Version 1 of the national section was written in both lengths; what counts lies in the same place.
SECTIONS: Mapping[int, Section] = {
    7: Section("usnat", {1: (_national(12, 2), _national(16, 3)), 2: (_national(16, 3),)}),
    8: Section("usca", _first(_california())),
    9: Section("usva", _first(_state(_SHARING, 8, 1, additional=False))),
    10: Section("usco", _first(_state(_SHARING, 7, 1, additional=False))),
    11: Section(
        "usut",
        _first(_state(_SHARING, 8, 1, additional=False, sensitive_notice="SensitiveDataProcessingOptOutNotice")),
    ),
    12: Section("usct", _first(_state(_SHARING, 8, 3, additional=False))),
    13: Section("usfl", _first(_state(_PROCESSING, 8, 3))),
    14: Section("usmt", _first(_state(_SHARING, 8, 3))),
    15: Section("usor", _first(_state(_PROCESSING, 11, 3))),
    16: Section("ustx", _first(_state(_PROCESSING, 8, 1))),
    17: Section("usde", _first(_state(_PROCESSING, 9, 5))),
    18: Section(
        "usia", _first(_state(_PROCESSING, 8, 1, additional=False, sensitive_notice="SensitiveDataOptOutNotice"))
    ),
    19: Section("usne", _first(_state(_PROCESSING, 8, 1))),
    20: Section("usnh", _first(_state(_PROCESSING, 8, 3))),
    21: Section("usnj", _first(_state(_PROCESSING, 10, 5))),
    22: Section("ustn", _first(_state(_PROCESSING, 8, 1))),
    23: Section("usmn", _first(_state(_PROCESSING, 8, 1))),
    24: Section("usmd", _agreements(child="")),
    25: Section("usin", _agreements(), sensitive=True),
    26: Section("usky", _agreements(), sensitive=True),
    27: Section("usri", _agreements(), sensitive=True),
}


def decode(section: Section, text: str) -> UsString:
    """Raises ValueError for a version that is not known, and for what is cut off or has a segment too many."""
    first, *others = text.split(".", 2)
    core = from_base64url(first)
    known = section.layouts.get(int(core[:_VERSION_BITS], 2), ())
    fitting = [layout for layout in known if layout.bits <= len(core)]
    if not fitting or len(others) > 1:
        raise ValueError("another version, or cut off")
    further = from_base64url(others[0]) if others else ""
    if section.sensitive:
        if others and len(further) < 8 * _FIELD_BITS:
            raise ValueError("cut off")
        return UsString(fitting[-1], core, sensitive=further[: 8 * _FIELD_BITS])
    if others and not further.startswith(_GPC_SEGMENT):
        raise ValueError("a segment that is not known")
    return UsString(fitting[-1], core, gpc=further[2:3] == "1")


def read(section: Section, text: str) -> Said | None:
    """What the section says: opting out, or Global Privacy Control, refuses marketing, and nothing else.

    None where it cannot be read.
    """
    try:
        string = decode(section, text)
        said = string.opt_outs()
    except ValueError:
        return None
    if string.gpc:
        said["Gpc"] = False

    def further(native: str) -> bool | None:
        """``SensitiveDataProcessing:8`` is the eighth entry of the list; case does not matter."""
        wanted, _, number = native.lower().partition(":")
        codes = string.codes(_CONSENTS.get(wanted, ""))
        entries = {str(one): code for one, code in enumerate(codes, 1)}
        code = entries.get(number or "1", 0)
        return None if code == 0 else code == 2

    return Said(answers=said, categories={"marketing": all(said.values())} if said else {}, further=further)
