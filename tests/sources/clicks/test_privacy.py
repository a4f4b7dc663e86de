"""Personal data is found, jargon is left alone."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.domain.obo import packaged_hp_obo
from shoptalk.errors import InputError
from shoptalk.sources.clicks.national_ids import NATIONAL_IDS
from shoptalk.sources.clicks.personal_data import CARDS
from shoptalk.sources.clicks.privacy import Privacy

EVERY_KIND = Privacy(national_ids=tuple(NATIONAL_IDS))

PERSONAL = {
    "email": ["bob@example.com", "jörg.müller+shop@mail.example.co.uk", "o'neil_7@bücher.example", "bob＠example.com"],
    "phone": [
        "+49 30 123456", "+44 (0)20 7946 0958", "+1 (212) 555-0100", "+1-212-555-0100", "+33 1 23 45 67 89",
        "+7 495 123-45-67", "+4930123456", "+354 123 4567", "0049 30 1234567", "(212) 555-0100", "212-555-0100",
        "1-800-555-0100", "212.555.0100", "(030) 123456", "030/1234567", "030 1234567", "0171-1234567",
        "0171 123 45 67", "01 23 45 67 89", "01.23.45.67.89", "020 7946 0958", "0161 496 0000",
        "07911 123456", "01632 960 001", "+４９ 30 123456", "+49\u00a030\u2011123456",
    ],
    "card": [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444", "2223003122003222",
        "378282246310005", "3782 822463 10005", "6011111111111117", "3530111333300000", "30569309025904",
        "3056 930902 5904", "6200000000000005", "6759649826438453", "４１１１１１１１１１１１１１１１",
    ],
    "iban": [
        "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "no9386011117947",
        "FR14 2004 1010 0505 0001 3M02 606", "NL91ABNA0417164300", "MT84MALT011000012345MTLCAST001S",
    ],
    "ip": ["192.168.1.17", "93.184.216.34", "5.146.7.9", "2001:db8:85a3::8a2e:370:7334", "fe80::1ff:fe23:4567:890a",
           "2001:0db8:85a3:0000:0000:8a2e:0370:7334"],
    "us_ssn": ["219-09-9999", "219 09 9999"],
    "uk_nino": ["AB123456C", "AB 12 34 56 C", "ab123456c"],
    "de_steuer_id": ["86095742719", "86 095 742 719", "47036892816"],
    "fr_nir": ["255081416802538", "2 55 08 14 168 025 38", "190072A04500193"],
    "es_dni": ["12345678Z", "12345678-Z", "X1234567L", "x-1234567-l"],
    "it_codice_fiscale": ["RSSMRA85T10A562S", "rssmra85t10a562s"],
}  # fmt: skip
CASES = [(kind, text) for kind, texts in PERSONAL.items() for text in texts]

JARGON = [
    "5/16-18", "HP:0001250", "12 gauge", "M8x1.25", "ISO 9001:2015", "1/2-13 x 2-1/2", "10.1038/s41586-020-2649-2",
    "GTIN 4006381333931", "4006381333931", "2024-05-17", "17.05.2024 12:30", "01/02/2024 10:15:00", "version 1.2.3",
    "version 10.2.33.4", "firmware 1.2.3.4", "4.2.1.3", "LDH (1.1.1.27)", "2.7.1.112", "1.3.6.1.4.1.343",
    "netmask 255.255.255.0", "127.0.0.1", "RTX 4090", "555-0100 valve", "24-70mm f/2.8", "6205-2RS", "0034-1234-56",
    "0242-235-666", "0445 110 183", "0445110183", "0 445 110 183", "06A 115 561 B", "11 42 7 953 129",
    "ISBN 978-3-16-148410-0", "CAS 7732-18-5", "UPC 036000291452", "4111111111111112", "1234567812345670",
    "0.4111111111111111", "AA battery @ 1.5 V", "5mm@3.5", "std::vector", "ad::be", "12:30:45", "00:1a:2b:3c:4d:5e",
    "1:2:3:4:5:6:7:8", "DE89370400440532013001", "#8-32 x 1-1/4", "C++17", "H7 +0.025 -0.010",
    "+2.50 reading glasses", "mobile 1080 1920", "phone 128 512 256", "cell 18650 2600 mAh", "fax 8000", "WD-40",
    "3M 08984", "220-240V 50/60Hz", "10 20 30 40 50 60 70 80", "E=mc²", "NM_000546.6:c.215C>G", "OMIM 154700",
    "rs1801133", "uuid 550e8400-e29b-41d4-a716-446655440000", "1920x1080", "CVE-2021-44228", "LGA 1151-2",
    "800-600-1/2", "ORCID", "twitter @bob", "email", "[email]", "", "½ in", "10²",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), CASES)
@pytest.mark.parametrize("around", ["{}", "ring {} now", "({}), please", "a: {}."])
def test_personal_data_is_replaced_by_its_kind(kind, text, around):
    assert EVERY_KIND.redact(around.format(text)) == (around.format(f"[{kind}]"), (kind,))


@pytest.mark.parametrize("text", JARGON)
def test_jargon_is_left_alone(text):
    assert Privacy().redact(text) == (text, ())
    assert Privacy().redact(f"buy {text} online") == (f"buy {text} online", ())


@pytest.mark.slow
def test_names_and_definitions_of_an_ontology_are_left_alone():
    lines = packaged_hp_obo().read_text().splitlines()
    told = [line for line in lines if line.startswith(("name:", "synonym:", "def:", "comment:"))]
    texts = [re.sub(r"\[[^]]*\]", "", line).replace("\\", "") for line in told]  # sources in brackets are links
    assert len(texts) > 40_000
    assert [text for text in texts if Privacy().redact(text)[1]] == []


@pytest.mark.parametrize(
    "text",
    [
        "219-09-999", "000-12-3456", "666-12-3456", "219-00-9999", "P-219-09-9999", "BG123456C", "AB123456E",
        "86095742718", "11111111111", "255081416802539", "12345678A", "X1234567M", "RSSMRA85T10A562T",
    ],
)  # fmt: skip
def test_what_is_no_number_of_a_person(text):
    assert EVERY_KIND.redact(text) == (text, ())


def test_national_ids_must_be_asked_for():
    for kind in NATIONAL_IDS:
        for text in PERSONAL[kind]:
            assert Privacy().redact(text) == (text, ())
            assert Privacy(patterns=(), national_ids=[kind]).redact(text) == (f"[{kind}]", (kind,))


def test_many_kinds_in_one_query():
    text = "mail bob@example.com or phone 555-0100, pay 4111 1111 1111 1111 12 DE89 3704 0044 0532 0130 00, 10.0.0.17"
    expected = "mail [email] or phone [phone], pay [card] 12 [iban], [ip]"
    assert Privacy().redact(text) == (expected, ("email", "card", "iban", "ip", "phone"))
    assert Privacy(patterns=["iban"]).redact(text)[1] == ("iban",)


def test_a_word_that_only_ends_like_version_hides_no_address():
    assert Privacy().redact("server 93.184.216.34") == ("server [ip]", ("ip",))
    assert Privacy().redact("ver 93.184.216.34")[1] == ()


def test_a_word_before_it_makes_a_number_a_phone():
    for text in ("phone 555-0100", "Tel.: 0301234567", "fax 212 555 0100", "whatsapp:0171 12 34 567"):
        redacted, kinds = Privacy().redact(text)
        assert kinds == ("phone",)
        assert not re.search(r"\d", redacted)


@pytest.mark.parametrize(
    ("text", "personal"),
    [
        ("[email]", True), ("[phone], [us_ssn]!", True), ("", False), ("?", False), ("tel [phone]", False),
        ("[bracket]", False), ("email", False),
    ],
)  # fmt: skip
def test_whether_nothing_else_is_left(text, personal):
    assert Privacy().personal_only(text) == personal


@pytest.mark.parametrize("wrong", [{"patterns": ["names"]}, {"national_ids": ["us_snn"]}])
def test_a_kind_that_is_not_known(wrong):
    with pytest.raises(InputError, match=r"privacy\.\w+ names '\w+'; there are \w+"):
        Privacy(**wrong)


PIECES = st.sampled_from([text for _, text in CASES] + JARGON)
TEXTS = st.lists(PIECES | st.text(max_size=4) | st.text("0123456789+-/. ()@:abAB", max_size=12), max_size=5).map(
    "".join
)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS | st.text())
def test_redaction_happens_once_and_never_fails(text):
    redacted, kinds = EVERY_KIND.redact(text)
    assert EVERY_KIND.redact(redacted) == (redacted, ())
    assert (redacted != text) == bool(kinds)
    for kind in kinds:
        assert f"[{kind}]" in redacted


def check_digit(digits):
    """The digit that makes Luhn's sum a multiple of ten, by the rule as it is told at school."""
    total = 0
    for place, digit in enumerate(reversed([int(d) for d in digits])):
        if place % 2 == 0:
            digit = digit * 2
            if digit > 9:
                digit = digit - 9
        total = total + digit
    return str(-total % 10)


FIRST = {
    "Visa": ["4"], "Mastercard": ["51", "55", "2221", "2229", "2300", "2699", "2720"], "American Express": ["34", "37"],
    "Discover": ["6011", "644", "65"], "JCB": ["3528", "3589"], "Diners Club": ["300", "305", "36", "38", "39"],
    "UnionPay": ["62"], "Maestro": ["5018", "6304", "6759", "6763"],
}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_every_card_of_an_issuer_is_caught_and_no_other(data):
    issuer, _, lengths = data.draw(st.sampled_from(CARDS))
    first, length = data.draw(st.sampled_from(FIRST[issuer])), data.draw(st.sampled_from(lengths))
    body = first + data.draw(st.text("0123456789", min_size=length - len(first) - 1, max_size=length - len(first) - 1))
    right = check_digit(body)
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != right]))
    by = data.draw(st.sampled_from(["", " ", "-"]))

    def grouped(digits):
        return by.join(digits[n : n + 4] for n in range(0, len(digits), 4))

    only_cards = Privacy(patterns=["card"])
    assert only_cards.redact(f"pay {grouped(body + right)} now") == ("pay [card] now", ("card",))
    if not by:
        assert only_cards.redact(f"pay {body + other} now") == (f"pay {body + other} now", ())


@settings(max_examples=200, deadline=None)
@given(digits=st.from_regex(r"[01789][0-9]{11,18}", fullmatch=True))
def test_numbers_of_no_issuer_are_no_cards(digits):
    assert Privacy(patterns=["card"]).redact(digits) == (digits, ())


@pytest.mark.parametrize("piece", ["a", "1", "1 ", "1.", "a@", "+1", "1111 ", "DE", "fe80:"])
def test_long_texts_come_to_an_end(piece):
    text = piece * 50_000
    assert EVERY_KIND.redact(text) == (text, ())
