"""Rules by which personal data is told from part numbers, sizes, dates, versions and identifiers.

A shape alone seldom suffices: every kind that has a checksum must pass it, and phone numbers need the marks of one
(``+``, brackets, or the spacing of a country). What stays in doubt is no personal data: queries live on jargon.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One kind of personal data.

    Attributes:
        shapes: patterns of which the whole is the data. is_one: whether a text of that shape is indeed such.
    """

    shapes: tuple[re.Pattern[str], ...]
    is_one: Callable[[str], bool] = lambda text: True

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of all that this rule finds; they may overlap."""
        for shape in self.shapes:
            for match in shape.finditer(text):
                if self.is_one(match[1]):
                    yield match.span(1)


def shape(pattern: str, before: str = r"\w", after: str = r"\w") -> re.Pattern[str]:
    """A pattern, without regard to case, that does not touch the character classes ``before`` and ``after``; found
    at every start, even within another match."""
    return re.compile(rf"(?<![{before}])(?=({pattern})(?![{after}]))", re.IGNORECASE)


def only(text: str) -> str:
    """The letters and digits of a text, upper case."""
    return "".join(filter(str.isalnum, text)).upper()


def luhn(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, Annex B)."""
    doubled = (int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits)))
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


# Issuer, first digits, lengths. Visa's 13 digits are not in use any more, and look like the GTINs of German goods.
CARDS = (
    ("Visa", "4", (16, 19)),
    ("Mastercard", "5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    ("American Express", "3[47]", (15,)),
    ("Discover", "6011|64[4-9]|65", (16, 19)),
    ("JCB", "352[89]|35[3-8]", (16, 19)),
    ("Diners Club", "30[0-5]|3095|3[689]", (14, 16, 19)),
    ("UnionPay", "62", (16, 17, 18, 19)),
    ("Maestro", "5018|5020|5038|5893|6304|6759|676[1-3]", tuple(range(12, 20))),
)


def _is_card(text: str) -> bool:
    digits = only(text)
    known = (re.match(first, digits) and len(digits) in lengths for _, first, lengths in CARDS)
    return any(known) and luhn(digits)


# Country to the length of its IBANs (SWIFT IBAN Registry).
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
_IBANS = "|".join(f"{c}[0-9]{{2}}(?:[ -]?[0-9A-Z]){{{n - 4}}}" for c, n in IBAN_LENGTHS.items())


def _is_iban(text: str) -> bool:
    """ISO 13616: moved to the end, country and check digits leave the remainder 1 of 97."""
    plain = only(text)
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


# Versions, sections and enzymes (EC 1.1.1.27) begin with one digit and go on with few.
_SMALL = re.compile(r"[0-9](?:\.[0-9]{1,2}){2}\.[0-9]{1,3}")


def _is_address(text: str) -> bool:
    """An address that may be somebody's: no loopback, mask or multicast."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    nobodys = address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved
    return not (nobodys or _SMALL.fullmatch(text))


# Country codes of ITU-T E.164.
_COUNTRY = (
    "1|7|2(?:[07]|[1-689][0-9])|3(?:[0-469]|[578][0-9])|4(?:[013-9]|2[0-9])|5(?:[1-8]|[09][0-9])|6(?:[0-6]|[789][0-9])"
    "|8(?:[1246]|[0578][0-9])|9(?:[0-58]|[679][0-9])"
)
_GAP = r"(?: ?\(0\) ?|[ ./-]| ?[()] ?)?"
_CALL = r"(?:tel|telephone|phone|mobile|fax|whatsapp|telefon|telefono|handy|mobil)(?:\.|:|\.:)? ?"
_ALONE = {"before": r"\w.,/+-", "after": r"\w/-"}


def _digits(least: int, most: int) -> Callable[[str], bool]:
    return lambda text: least <= sum(c.isdigit() for c in text) <= most


# Seven digits alone, groups of other lengths (0445 110 183) and plain digits are part numbers as often as not.
_PHONES = (
    shape(rf"\+(?:{_COUNTRY})(?:{_GAP}[0-9]){{6,13}}", before=r"\w+", after="0-9"),  # +49 30 123456
    shape(rf"00(?:{_COUNTRY})(?:{_GAP}[0-9]){{8,13}}", **_ALONE),  # 0049 30 1234567
    shape(r"\([2-9][0-9]{2}\) ?[0-9]{3}[ .-]?[0-9]{4}", after=r"\w-"),  # (212) 555-0100
    shape(r"(?:1[ .-])?[2-9][0-9]{2}([.-])[2-9][0-9]{2}\2[0-9]{4}", **_ALONE),  # 212-555-0100
    shape(r"\(0[1-9][0-9]{1,4}\) ?[0-9]{3,9}(?:[ -][0-9]{2,8}){0,3}", after=r"\w-"),  # (030) 123 456
    shape(r"0[1-9](?:([ .-])[0-9]{2})(?:\2[0-9]{2}){3}", **_ALONE),  # 01 23 45 67 89
    shape(r"0[1-9][0-9]{1,4} ?/ ?[0-9]{4,9}", **_ALONE),  # 030/123456
    *(
        shape(rf"0[1-9][0-9]{{{area}}}[ -][0-9]{{{least},8}}", **_ALONE)  # 030 123456, 0171-1234567, 07911 123456
        for area, least in ((1, 6), (2, 7), (3, 6))
    ),
    *(
        shape(rf"0[1-9][0-9]{{{area}}} [0-9]{{3,4}} [0-9]{{{rest}}}", **_ALONE)  # 020 7946 0958, 01632 960 001
        for area, rest in ((1, 4), (2, 4), (3, 3))
    ),
    shape(r"0[1-9][0-9]{1,4}(?: ?/ ?| )[0-9]{2,3}(?: [0-9]{2}){2,3}", **_ALONE),  # 0171 123 45 67
    re.compile(
        rf"\b{_CALL}(?=((?:0[1-9][0-9](?:[ ./-]?[0-9]){{4,11}}|[2-9][0-9]{{2}}(?:[ .-][2-9][0-9]{{2}})?[.-][0-9]{{4}}"
        r"|[2-9][0-9]{2} [2-9][0-9]{2} [0-9]{4})(?![\w-])))",
        re.IGNORECASE,
    ),  # phone 555-0100
)
_NUMBERED = "".join(
    f"(?<!\\b{word} )" for word in ("version", "ver", "firmware", "release", "build", "driver", "section", "chapter")
)

PERSONAL_DATA: dict[str, Rule] = {
    # local part @ domain with a top level of letters
    "email": Rule(
        (
            shape(
                r"[\w.!#$%&'*+/=?^`{|}~-]+@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}",
                before=r"\w.!#$%&'*+/=?^`{|}~-",
                after=r"\w-",
            ),
        )
    ),
    # together or in groups of four (4-6-5 and 4-6-4, too); issuer, length and Luhn's check digit must fit
    "card": Rule(
        tuple(
            shape(rf"(?<![0-9][.,]){pattern}(?![.,][0-9])")
            for pattern in (
                r"[0-9]{12,19}",
                *(rf"[0-9]{{4}}(?:[ -][0-9]{{4}}){{{n}}}(?:[ -][0-9]{{1,3}})?" for n in (2, 3)),
                r"[0-9]{4}(?:[ -][0-9]{4}){2,3}",
                r"[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}",
            )
        ),
        _is_card,
    ),
    # length of the country, remainder of 97
    "iban": Rule((shape(_IBANS),), _is_iban),
    # as the library reads it; IPv6 with its first group in full
    "ip": Rule(
        (
            shape(rf"{_NUMBERED}[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}(?!\.[0-9])", before=r"\w.-", after=r"\w-"),
            shape(r"[0-9a-f]{4}(?::{1,2}[0-9a-f]{1,4}){1,7}", before=r"\w:.", after=r"\w:"),
        ),
        _is_address,
    ),
    # international; or spaced as in North America, France, Germany or the United Kingdom; or after a word for it
    "phone": Rule(_PHONES, _digits(7, 17)),
}
"""Kind to its rule."""
