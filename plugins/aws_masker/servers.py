"""Servers: users, passwords and databases around the host of a database or a broker of AWS's.

Whatever client connects to ``ledger-pg.….rds.amazonaws.com``: what stands before the host in a URL are a user and a
password, the path behind it is a database, and so are values of a few keys near it, and options of a command that the
host is given to. That the host is AWS's says enough; the names may be of ordinary letters alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aws_masker.catalogue import Catalogue
from aws_masker.finding import Finding
from aws_masker.re2c import Pattern, Span
from aws_masker.subject import Subject

# So far on both sides of a host.
REACH: Final = 400
_SERVICES: Final = frozenset(
    ("docdb-elastic", "dsql", "elasticache", "es", "kafka", "memorydb", "mq", "rds", "redshift", "timestream-influxdb")
)
_HOST: Final = Pattern(r"[A-Za-z0-9.-]*")
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.-]{2,62}"
_NAMED: Final = Pattern(_NAME)
_PASSWORD: Final = Pattern(r"[^\s\"'`<>${}\\\x00-\x1f][^\s\"'`<>{}\\\x00-\x1f]{3,127}")
# What ends the part of a URL before its host, from the longest on.
_AT: Final = (b"@tcp(", b"@//", b"@(", b"@")
_BEFORE_USER: Final = Pattern(r"(?s:.*)(?://|\\/|:thin:|[\s\"'`=<>(,\x00\x01])")
# A database, an index or a virtual host as the path of a host; a service of Oracle's; a line of a file of passwords.
_PATH: Final = Pattern(
    r"(?::[0-9]{2,5})?\)?\\*/([A-Za-z][A-Za-z0-9_.-]{2,62})(?:[^A-Za-z0-9_.(-]|[.](?:[^A-Za-z0-9]|\z)|\z)",
    captures=True,
)
_NEXT_STRING: Final = r"\\*[\"'`],(?:\s|\\+[nrt])*\\*[\"'`]"
_SID: Final = Pattern(rf":[0-9]{{2,5}}:({_NAME})(?::({_NAME}):([^\s:\"'\\\x00-\x1f]{{4,128}}))?", captures=True)
# What a call takes behind the string with the host: a user, a password, and a database.
_CALLED: Final = Pattern(
    rf"[^\s\"'`<>\\\x00-\x1f]*{_NEXT_STRING}({_NAME}){_NEXT_STRING}([^\s\"'`<>${{}}\\\x00-\x1f]{{4,128}})\\*[\"'`]"
    rf"(?:,(?:\s|\\+[nrt])*\\*[\"'`]({_NAME})\\*[\"'`])?",
    captures=True,
)
# Paths of services of their own.
_OF_SERVICE: Final = frozenset((b"gremlin", b"loader", b"opencypher", b"sparql"))
# In quotes, all of it up to the next of a list, all of a line. The letter of an escaped line break is none of a key's.
_KEYS: Final = Pattern(
    r"(?:[^A-Za-z0-9]|\\[nrt])(?i:(?:db_?|pg_?)?(?:user|database)(?:_?name| ?id)?|uid|login|dbname|db|initial catalog"
    # Django's.
    r"|service_name|sid|(?-i:NAME)|(pwd|password))"
    rf"(?:(?:\\*[\"'`]?[ ]?(?:=>|[:=])|\\*[\"'`],)[ ]?\\*[\"'`]({_NAME})\\*[\"'`]|=({_NAME})(?:[;& \"'\r\n\x00]|\\+n)"
    rf"|: ({_NAME})\r?(?:\n|\x00|\\+n)|=([^\s;&\"'\\\x00-\x1f]{{4,128}})[;&\"'\r\n\x00]"
    # What may be a password, and nothing else.
    r"|(?:\\*[\"'`]?[ ]?(?:=>|[:=])|\\*[\"'`],)[ ]?\\*[\"'`]([^\s\"'`<>${}\\\x00-\x1f]{4,128})\\*[\"'`])",
    captures=True,
)
_LINE_ENDS: Final = (b"\x00", b"\x01", b"\n")
_CONTINUED: Final = b"\\"
_BACKSLASH: Final = 0x5C
# So many backslashes before a quote are looked at: it is escaped once for each string in a string, and they double.
_DEEPEST: Final = 64
_ENDS: Final = Pattern(r"[^\\][\x00\x01\n]")
# Words of a command, and what stands between two commands: in a string, line breaks are escaped.
_TOKEN: Final = Pattern(r"(?:[^\s\"'|;&<>()`\\]|\"[^\"\n]*\"|'[^'\n]*')+|[|;&<>()`]|\\+[nr]")
_SEPARATORS: Final = frozenset(b"|;&<>()`\\")
_COMMAND_QUOTES: Final = (b'"', b"'")
# What options of a client mean: u for a user, d for a database, p for a password, a for what has another argument.
_USER, _DATABASE, _SECRET, _OTHER = "u", "d", "p", "a"
_LONG: Final[Mapping[bytes, str]] = {
    b"--user": _USER,
    b"--username": _USER,
    b"--group": _USER,
    b"--dbname": _DATABASE,
    b"--database": _DATABASE,
    b"--databases": _DATABASE,
    b"--db": _DATABASE,
    b"--topic": _DATABASE,
    b"--keyspace": _DATABASE,
    b"--pass": _SECRET,
    b"--password": _SECRET,
} | dict.fromkeys(
    (
        *(b"--host", b"--port", b"--file", b"--format", b"--schema", b"--table", b"--jobs", b"--socket"),
        *(b"--protocol", b"--command", b"--eval", b"--execute", b"--authenticationDatabase", b"--tlsCAFile"),
    ),
    _OTHER,
)


def _options(user: str = "", database: str = "", secret: str = "", other: str = "") -> dict[bytes, str]:
    """Return what options of one letter mean, from the letters for each meaning."""
    meanings = ((user, _USER), (database, _DATABASE), (secret, _SECRET), (other, _OTHER))
    return {f"-{letter}".encode(): meaning for letters, meaning in meanings for letter in letters}


_POSTGRES: Final = _options("U", "dl", "", "chopfjntTFZLvPRsKEN")
_MYSQL: Final = _options("u", "D", "p", "hPeSr")
_MONGO: Final = _options("u", "d", "p", "hco")
# By the name of a client: its options, and whether a word without one is a database.
_CLIENTS: Final[Mapping[bytes, tuple[Mapping[bytes, str], bool]]] = {
    **dict.fromkeys(
        (
            *(b"createdb", b"dropdb", b"pg_dump", b"pg_restore", b"pgbench", b"pgcli", b"psql", b"reindexdb"),
            *(b"usql", b"vacuumdb"),
        ),
        (_POSTGRES, True),
    ),
    **dict.fromkeys((b"pg_dumpall", b"pg_isready"), (_POSTGRES, False)),
    **dict.fromkeys(
        (b"mariadb", b"mariadb-dump", b"mycli", b"mysql", b"mysqladmin", b"mysqldump", b"mysqlimport"), (_MYSQL, True)
    ),
    **dict.fromkeys((b"mongo", b"mongodump", b"mongorestore", b"mongosh"), (_MONGO, True)),
    b"bcp": (_options("U", "d", "P", "S"), True),
    b"beeline": (_options("n", "", "p", "ue"), False),
    b"cqlsh": (_options("u", "k", "p", "ef"), False),
    b"curl": (_options("u", "", "", "XHdo"), False),
    b"kafkacat": (_options("G", "t", "", "bX"), False),
    b"kcat": (_options("G", "t", "", "bX"), False),
    b"redis-cli": (_options("", "", "a", "hpn"), False),
    b"sqlcmd": (_options("U", "d", "P", "SQio"), False),
    b"valkey-cli": (_options("", "", "a", "hpn"), False),
}
# One of them as a word of its own, with arguments behind it.
_BEFORE_CLIENT: Final = Pattern(r"\\[nrt]|[^A-Za-z0-9_.-]")
_NAMES: Final = sorted((name.decode() for name in _CLIENTS), key=len, reverse=True)
_CLIENT: Final = Pattern(rf"(?:^|\\[nrt]|[^A-Za-z0-9_.-])(?:{'|'.join(_NAMES)})[ \t\\]")
_ARGUMENT: Final = Pattern(r"(?s:.*)[ ]--?[A-Za-z-]+[ =]")


class Servers:
    """Finds what stands around the hosts of servers."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Take a catalogue, two of whose families are those of such names and passwords."""
        families = catalogue.families
        self._hosts = frozenset(
            index for index, family in enumerate(families) if family.host and family.service in _SERVICES
        )
        places = {family.name: index for index, family in enumerate(families)}
        self._name, self._secret = places.get("server-name", -1), places.get("server-password", -1)

    def find(self, text: bytes, found: Sequence[Finding], subject: Subject) -> Iterator[Finding]:
        """Yield the names and passwords around those ``found`` that are hosts; ``subject`` is the text's."""
        if self._name < 0 or self._secret < 0:
            return
        for one in found:
            if one.family not in self._hosts:
                continue
            low, high = subject.piece(one.start)
            # What is found ends with its last part.
            stop = _HOST.match(text, one.end)
            reach = max(low, one.start - REACH), min(high + 1, stop + REACH)
            for meaning, (begin, end) in _around(text, (one.start, stop), reach):
                family = self._secret if meaning == _SECRET else self._name
                yield Finding(begin, end, family, ((begin, end),), whole=False)


def _around(text: bytes, host: Span, reach: Span) -> Iterator[tuple[str, Span]]:
    """Yield what stands around a ``host``, within ``reach``, with its meaning."""
    yield from _before(text, host, reach[0])
    yield from _behind(text, host[1], reach[1])
    yield from _beside(text, reach)
    yield from _of_command(text, host, reach)


def _before(text: bytes, host: Span, limit: int) -> Iterator[tuple[str, Span]]:
    """Yield the user and the password before a host in a URL."""
    at = next((at for at in _AT if text.endswith(at, limit, host[0])), None)
    if at is None:
        return
    end = host[0] - len(at)
    begin = max(limit, _BEFORE_USER.match(text, limit, end))
    colon = min((one for mark in (b":", b"/") if (one := text.find(mark, begin, end)) >= 0), default=end)
    if _NAMED.fits(text[begin:colon]):
        yield _USER, (begin, colon)
    if _PASSWORD.fits(text[colon + 1 : end]):
        yield _SECRET, (colon + 1, end)


def _behind(text: bytes, end: int, limit: int) -> Iterator[tuple[str, Span]]:
    """Yield the database behind a host, and what a file of passwords has behind that."""
    if (parts := _PATH.parts(text, end, limit)) is not None:
        if text[slice(*parts[1])].lower() not in _OF_SERVICE:
            yield _DATABASE, parts[1]
    elif (parts := _SID.parts(text, end, limit)) is not None:
        for meaning, part in zip((_DATABASE, _USER, _SECRET), parts[1:], strict=True):
            if part[0] >= 0:
                yield meaning, part
    if (parts := _CALLED.parts(text, end, limit)) is not None:
        for meaning, part in zip((_USER, _SECRET, _DATABASE), parts[1:], strict=True):
            if part[0] >= 0:
                yield meaning, part


def _beside(text: bytes, reach: Span) -> Iterator[tuple[str, Span]]:
    """Yield the values of keys for users, databases and passwords."""
    at, limit = reach
    while (span := _KEYS.search(text, at, limit)) is not None:
        # What ends one, two bytes at most, may begin the next.
        at = span[1] - 2
        parts = _KEYS.parts(text, *span)
        if parts is None:
            continue
        secret = parts[1][0] >= 0
        for part in parts[2:5]:
            if part[0] >= 0:
                yield _SECRET if secret else _USER, part
        for part in parts[5:7] if secret else ():
            if part[0] >= 0:
                yield _SECRET, part


def _of_command(text: bytes, host: Span, reach: Span) -> Iterator[tuple[str, Span]]:
    """Yield the users, databases and passwords among the options of a command that a host is given to."""
    low, high = _command(text, host, reach)
    client: Span | None = None
    for begin, behind in _CLIENT.each(text, max(0, low - 1), host[0]):
        # The argument of an option may be called like one: a user.
        if not _ARGUMENT.fits(text[low : begin + 1]):
            client = (max(begin, _BEFORE_CLIENT.match(text, begin)), behind - 1)
    if client is None:
        return
    closed = _closed(text, client[0] - 1, (host[1], high))
    tokens: list[Span] = []
    for begin, end in _TOKEN.each(text, client[1], closed):
        if text[begin] not in _SEPARATORS:
            tokens.append((begin, end))
        # Each string in a string doubles the backslashes: one for a line break, three where a line goes on behind one.
        elif text[begin] != _BACKSLASH or (end - begin - 1) % 3 != 0:
            if begin < host[0]:
                return
            break
    for meaning, (begin, end) in _of_options(text, tokens, *_CLIENTS[text[slice(*client)]]):
        yield from _told(text, meaning, begin, end)


def _closed(text: bytes, opener: int, reach: Span) -> int:
    """Return where, within ``reach``, the string ends that begins at ``opener``, if one does: else all of it.

    Its quotes may be escaped; what is quoted in it is escaped deeper.
    """
    quote = text[opener : opener + 1]
    at, end = reach
    if quote in _COMMAND_QUOTES:
        deep = _backslashes(text, opener)
        while (at := text.find(quote, at, end)) >= 0:
            if _backslashes(text, at) <= deep:
                return at
            at += 1
    return end


def _backslashes(text: bytes, end: int) -> int:
    """Return how many backslashes, of the last few, end at ``end``."""
    before = text[max(0, end - _DEEPEST) : end]
    return len(before) - len(before.rstrip(b"\\"))


def _of_options(
    text: bytes,
    tokens: Sequence[Span],
    options: Mapping[bytes, str],
    positional: bool,  # noqa: FBT001
) -> Iterator[tuple[str, Span]]:
    """Yield the arguments of options with their meanings, and the first word without one if it is ``positional``."""
    expected = ""
    for begin, end in tokens:
        word = text[begin:end]
        if expected:
            yield expected, (begin, end)
            expected = ""
        elif word.startswith(b"--"):
            name, joint, _ = word.partition(b"=")
            meaning = _LONG.get(name, "")
            if joint:
                yield meaning, (begin + len(name) + 1, end)
            else:
                expected = meaning
        elif word.startswith(b"-"):
            meaning = options.get(word[:2], "")
            if len(word) > len(b"-u"):
                yield meaning, (begin + len(b"-u"), end)
            # MySQL's clients ask for a password where none is joined to the option.
            elif not (meaning == _SECRET and options is _MYSQL):
                expected = meaning
        elif positional:
            positional = False
            yield _DATABASE, (begin, end)


def _told(text: bytes, meaning: str, begin: int, end: int) -> Iterator[tuple[str, Span]]:
    """Yield an argument without its quotes, if it has the form of what it means: a user may have a password behind."""
    if text[begin : begin + 1] in _COMMAND_QUOTES:
        # The second quote may be escaped; the backslashes before the first are no part of a word.
        begin, end = begin + 1, begin + 1 + len(text[begin + 1 : end - 1].rstrip(b"\\"))
    word = text[begin:end]
    if meaning == _SECRET and _PASSWORD.fits(word):
        yield meaning, (begin, end)
    elif meaning in (_USER, _DATABASE):
        first = len(word.partition(b":" if meaning == _USER else b".")[0])
        if _NAMED.fits(word[:first]):
            yield meaning, (begin, begin + first)
        if meaning == _USER and _PASSWORD.fits(word[first + 1 :]):
            yield _SECRET, (begin + first + 1, end)


def _command(text: bytes, host: Span, reach: Span) -> Span:
    """Return the line on which a host stands, with those that a backslash joins to it."""
    low, high = host
    while (low := max(text.rfind(mark, reach[0], low) for mark in _LINE_ENDS)) >= 0:
        if text[low - 1 : low] != _CONTINUED:
            break
    ends = _ENDS.search(text, high - 1, reach[1])
    return max(reach[0], low + 1), reach[1] if ends is None else ends[1] - 1
