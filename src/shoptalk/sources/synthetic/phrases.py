"""Words, clauses and key phrases of English text, without a tagger and without a word list of any domain."""

import re

_FUNCTION_TEXT = """
a about above across after again against all along also although among an and any are around as at be because
been before behind being below beneath beside between beyond both but by can could despite did do does down during
each either etc even ever every few for from further had has have having he her here his how however i if in into
is it its itself just like many may might more most much must near neither no nor not of off often on once one only
onto or other others our out over own per rather same several she should since so some such than that the their
them themselves then there therefore these they this those though through throughout thus to together too toward
towards under unless unlike until up upon us usually versus very via was we were what whatever when where whereas
whereby whether which while who whom whose why will with within without would yet you your
"""
FUNCTION = frozenset(_FUNCTION_TEXT.split())
"""English function words: they carry no subject of their own."""

_DEFINING_TEXT = """
abnormality absent affecting associated called caused characterised characterized compared consisting defined
due existence following including involving kind known located occurring presence present process referred
related resulting situated term termed type
"""
DEFINING = frozenset(_DEFINING_TEXT.split())
"""Words that definitions are built with, whatever they define; a key phrase neither begins nor ends with one."""

_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['/-][^\W_]+)*")
_WRITTEN_SO = re.compile(r"[A-Z][A-Z0-9]|[a-z][A-Z]|^[A-Z]$")
_LATIN = re.compile(r"\b(?:i\.e|e\.g|cf|viz)\.,?\s")
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])")
_END = re.compile(r"(?<=[^.\s]{3})\.(?:\s|$)|[;:!?]|\s[-\u2013\u2014]\s|\s[(\[]")
_LINKS = (
    r"(?:that (?:is|are|was|has|have)|that|which (?:is|are|has|have)|which|who|whose|whereby|in which|in whom|in that|"
    r"where|when|while|because|so that|such that|such as|characteri[sz]ed by|resulting (?:in|from)|leading to|due to|"
    r"caused by|owing to|consisting of|defined (?:as|by)|associated with|as a result of|usually|often|typically|"
    r"occurring|with or without|i\.e\.|e\.g\.)"
)
_BREAK = re.compile(rf",?\s{_LINKS}(?=\s)|,\s(?=(?:{'|'.join(sorted(FUNCTION - {'and', 'or', 'but'}))})\s)")
_OPENING = re.compile(
    r"^\s*(?:this (?:term|entry|document|page|section|article)? ?"
    r"(?:refers to|applies to|describes|denotes|means|covers|is) |"
    r"(?:refers to|describes|denotes|means) |"
    r"(?:an?|the|any|one|there (?:is|are)) |"
    r"(?:presence|existence|occurrence|state|condition|situation|feature|type|kind|form|term) "
    r"(?:of|in which|where|that|for|characteri[sz]ed by) )+",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"^(?:\S+\s+){1,5}?(?:(?:is|are)\s+(?=(?:an?|the|defined as|characteri[sz]ed by)\s)"
    r"(?:defined as\s+|characteri[sz]ed by\s+)?|(?:refers to|denotes|describes|means)\s+)"
)
_ARTICLE = re.compile(r"^(?:an?|the)\s", re.IGNORECASE)
_VERB = re.compile(r"\s*(?:\([^)]*\))?,?\s*(?:is|are|was|means|refers to|describes|denotes|:)\s+", re.IGNORECASE)
_NAMING = re.compile(
    r"\b(?:(?:also|sometimes|commonly|often|otherwise|formerly) (?:known as|referred to as|called|termed|named)|"
    r"abbreviated(?: as| to)?|aka|a\.k\.a\.|synonyms?(?::| is| are))\s+"
    r"(?:an?\s|the\s)?[\"'\u201c\u2018]?([^\W_][\w'/ -]{1,50}?)[\"'\u201d\u2019]?"
    r"(?=[.,;:()]|\s(?:and|or|is|are|in|by|when)\s|$)"
)


def words(text: str) -> list[str]:
    """The words of ``text`` as written; hyphens, slashes and apostrophes bind."""
    return _WORD.findall(text)


def content(tokens: list[str]) -> list[str]:
    """``tokens`` without function words."""
    return [t for t in tokens if t.lower() not in FUNCTION]


def subjects(text: str) -> list[str]:
    """The words of ``text`` that carry a subject, lower case, in order."""
    return [word.lower() for word in content(words(text))]


def numbered(word: str) -> bool:
    """Whether a word holds a digit or is a lone letter: such words tell near-twins apart."""
    return len(word) == 1 or any(c.isdigit() for c in word)


def lowered(token: str) -> str:
    """``token`` in lower case, unless capitals are part of its spelling ("CSF", "pH", "B12")."""
    return token if _WRITTEN_SO.search(token) else token.lower()


def parts(title: str, text: str) -> list[list[str]]:
    """The parts of a definition's first sentence, in order, without openings such as "the presence of".

    A sentence that names its subject first ("A sonata is a composition …") is read from behind the verb; parts
    are divided where a relative clause, a cause or a comma before a function word begins, and a part of one word
    ("pregnancy that extends to 42 weeks") goes with the next.
    """
    text = _behind_title(title, " ".join(text.split()))
    text = _ASIDE.sub("", _LATIN.sub("", text))
    end = _END.search(text)
    sentence = _SUBJECT.sub("", text[: end.start()] if end else text)
    found: list[list[str]] = []
    for part in _BREAK.split(_opened(sentence)):
        tokens = _trimmed([lowered(t) for t in words(_opened(part))])
        if len(content([t for part in found[-1:] for t in part])) == 1:
            found[-1] = [*found[-1], *tokens]
        elif content(tokens):
            found.append(tokens)
    return found


def shortened(tokens: list[str], longest: int) -> list[str]:
    """At most the first ``longest`` tokens, cut where a function word begins a new phrase."""
    if len(tokens) <= longest:
        return tokens
    borders = [i for i in range(3, longest + 1) if tokens[i].lower() in FUNCTION]
    return _trimmed(tokens[: borders[-1]] if borders else tokens[:longest])


def spans(text: str, longest: int = 3) -> list[list[str]]:
    """Noun-ish spans: runs of content words between function words and punctuation, in order."""
    found: list[list[str]] = []
    for part in re.split(r"[,;:()\[\]]\s*|\.\s+|\s[-\u2013\u2014]\s", _LATIN.sub(", ", text)):
        run: list[str] = []
        for token in [*words(part), "the"]:
            if not _bare(token):
                run.append(lowered(token))
            elif run:
                found.append(run[-longest:])
                run = []
    return found


def names(text: str) -> list[str]:
    """What the text says its subject is also called."""
    return [" ".join(found.split()) for found in _NAMING.findall(text)]


def phrase_starts(tokens: list[str]) -> list[int]:
    """Where a function word that does not just join two words begins a new phrase."""
    lower = [t.lower() for t in tokens]
    return [
        i
        for i, token in enumerate(lower)
        if i and token in FUNCTION - {"and", "or", "nor"} and lower[i - 1] not in FUNCTION
    ]


def inverted(tokens: list[str]) -> list[str] | None:
    """Turn "A of the B" to "B A", from the last "of" backwards; ``None`` where there is none."""
    lower = [t.lower() for t in tokens]
    places = [i for i, t in enumerate(lower) if t in ("of", "in", "on")]
    if not places or places[-1] in (0, len(tokens) - 1):
        return None
    head, tail = tokens[: places[-1]], _trimmed(tokens[places[-1] + 1 :])
    return [*tail, *(inverted(head) or head)] if tail else None


def _bare(token: str) -> bool:
    word = token.lower()
    return word in FUNCTION or word in DEFINING or (len(word) > 4 and word.endswith("ly"))


def _opened(text: str) -> str:
    return _OPENING.sub("", text)


def _behind_title(title: str, text: str) -> str:
    bare = _ARTICLE.sub("", text)
    if not title or not bare.lower().startswith(title.lower()):
        return text
    verb = _VERB.match(bare, len(title))
    return bare[verb.end() :] if verb else text


def _trimmed(tokens: list[str]) -> list[str]:
    while tokens and tokens[-1].lower() in FUNCTION:
        tokens = tokens[:-1]
    while tokens and tokens[0].lower() in FUNCTION - {"no", "not", "without"}:
        tokens = tokens[1:]
    return tokens
