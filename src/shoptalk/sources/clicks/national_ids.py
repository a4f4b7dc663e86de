"""Rules for numbers by which states know people."""

from collections import Counter

from shoptalk.sources.clicks.personal_data import Rule, only, shape

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD_PLACES = "BAKPLCQDREVOSFTGUHMINJWZYX"  # letter to its worth at odd places of a codice fiscale, by place here


def _is_steuer_id(text: str) -> bool:
    """Identifikationsnummer (Abgabenordnung § 139b): of the first ten digits one stands there twice or thrice, the
    others at most once; check digit of ISO 7064, MOD 11,10."""
    digits = only(text)
    repeated = [count for count in Counter(digits[:10]).values() if count > 1]
    if len(repeated) != 1 or repeated[0] > 3:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def _is_nir(text: str) -> bool:
    """Numéro d'inscription au répertoire (INSEE): the key is 97 less the remainder of 97; Corsica counts as 19, 18."""
    plain = only(text).replace("2A", "19").replace("2B", "18")
    return int(plain[13:]) == 97 - int(plain[:13]) % 97


def _is_dni(text: str) -> bool:
    """Documento nacional de identidad: the letter at the number's remainder of 23; foreigners' X, Y, Z are 0, 1, 2."""
    plain = only(text)
    number = plain[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == plain[-1]


def _is_codice_fiscale(text: str) -> bool:
    """Codice fiscale (D.M. 23/12/1976): letters and digits at odd places count by a table, at even ones as they are."""
    worth = [int(c) if c.isdigit() else ord(c) - ord("A") for c in only(text)]
    odd = [_ODD_PLACES.index(chr(ord("A") + n)) for n in worth[0:15:2]]
    return (sum(odd) + sum(worth[1:15:2])) % 26 == worth[15]


NATIONAL_IDS: dict[str, Rule] = {
    # 3-2-4 with its separators, but for numbers that are never given (Social Security Administration)
    "us_ssn": Rule(
        (shape(r"(?!000|666|9)[0-9]{3}([ -])(?!00)[0-9]{2}\2(?!0000)[0-9]{4}", before=r"\w-", after=r"\w-"),)
    ),
    # prefixes that are given, six digits, A to D (HM Revenue & Customs, NIM39110)
    "uk_nino": Rule(
        (shape(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?[0-9]{2}){3} ?[A-D]", before=r"\w-"),)
    ),
    "de_steuer_id": Rule(
        (shape(r"[1-9][0-9](?: ?[0-9]{3}){3}", before=r"\w.,-", after=r"\w-"),),
        _is_steuer_id,
    ),
    "fr_nir": Rule(
        (shape(r"[12] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[AB])(?: ?[0-9]{3}){2} ?[0-9]{2}", before=r"\w.,-"),),
        _is_nir,
    ),
    "es_dni": Rule((shape(r"(?:[0-9]{8}|[XYZ][ -]?[0-9]{7})[ -]?[A-Z]", before=r"\w-", after=r"\w-"),), _is_dni),
    "it_codice_fiscale": Rule(
        (shape(r"[A-Z]{6}[0-9]{2}[A-EHLMPR-T][0-9]{2}[A-Z][0-9]{3}[A-Z]", before=r"\w-", after=r"\w-"),),
        _is_codice_fiscale,
    ),
}
"""Kind to its rule."""
