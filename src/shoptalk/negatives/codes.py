"""A text as its words and its codes: what two near-twin documents share, and what tells them apart.

A code is a token with a digit ("5/16", "M8x1.25", "4th"), a number as a word ("fourth", "four") or in Roman
numerals up to XX, and a unit behind a number ("mm"). Different spellings of one number are the same code: "4th",
"fourth", "four" and "IV" are 4, "10mm" is 10 and mm. So the numbers of ``shoptalk.domain.wording``, by which the
number-twins of an ontology are told, are all codes here.
"""

import re

from shoptalk.domain.text import normalise

_TOKEN = re.compile(r"[^\W_]+(?:(?<=\d)[./,](?=\d)[^\W_]+)*")
_GLUED = re.compile(r"(\d+(?:[./,]\d+)*)([^\W\d_]+)")
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
_ORDINAL = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_CARDINAL = "one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {
    word: str(number) for line in (_ROMAN, _ORDINAL, _CARDINAL) for number, word in enumerate(line.split(), start=1)
}
_SUFFIXES = frozenset(["st", "nd", "rd", "th"])
# One line per unit; single letters are left out, for they are seldom units ("type 2 a").
_UNITS = {
    word: line.split()[0]
    for line in """
        nm nanometre nanometres nanometer nanometers
        um μm micron microns micrometre micrometres micrometer micrometers
        mm millimetre millimetres millimeter millimeters
        cm centimetre centimetres centimeter centimeters
        metre metres meter meters
        km kilometre kilometres kilometer kilometers
        inch inches in
        ft foot feet
        yd yard yards
        mile miles
        mcg μg ug
        mg milligram milligrams
        gram grams
        kg kilogram kilograms
        lb lbs pound pounds
        oz ounce ounces
        ml millilitre millilitres milliliter milliliters
        cl
        dl
        litre litres liter liters
        gallon gallons gal
        ms
        sec secs seconds
        min mins minute minutes
        hour hours hr hrs
        day days
        week weeks
        month months
        year years
        mv
        kv
        volt volts
        ma
        mah
        amp amps
        kw
        kwh
        watt watts
        hz
        khz
        mhz
        ghz
        ohm ohms
        kb
        mb
        gb
        tb
        bar
        psi
        kpa
        mpa
        degree degrees deg
        percent
    """.strip().splitlines()
    for word in line.split()
}


def split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(words, codes) of a text, normalised, each in order; every token is one or the other."""
    words: list[str] = []
    codes: list[str] = []
    behind_number = False
    for token in _TOKEN.findall(normalise(text)):
        found = _codes(token, behind_number)
        (codes if found else words).extend(found or [token])
        behind_number = bool(found) and found[-1] not in _UNITS
    return tuple(words), tuple(codes)


def _codes(token: str, behind_number: bool) -> list[str]:
    """The codes that a token is; none where it is a word."""
    if token in _NUMBERS:
        return [_NUMBERS[token]]
    if behind_number and token in _UNITS:
        return [_UNITS[token]]
    glued = _GLUED.fullmatch(token)
    if glued and glued[2] in _SUFFIXES:
        return [glued[1]]
    if glued and glued[2] in _UNITS:
        return [glued[1], _UNITS[glued[2]]]
    return [token] if any(character.isdigit() for character in token) else []
