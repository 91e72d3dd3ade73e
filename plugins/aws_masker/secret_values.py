"""Values of secrets: whether what stands beside a word such as password can be a secret.

It may be anything but a piece of code, what a field for it is called, and where it is kept.
"""

from typing import Final

from aws_masker.joints import VALUE, Joint, Kind
from aws_masker.re2c import Pattern
from aws_masker.unquoted import BRACKETED, DOTTED_TYPE, EXPRESSION, assigned_plainly
from aws_masker.values import Value

# What a field for a secret is called, or how to fill it in: "Account Access Key (optional)".
_LABEL: Final = Pattern(
    r"(?:[A-Za-z/]+ )*(?i:key|secret|token|password|leave|enter|your)(?: [A-Za-z/]+)*(?: \([A-Za-z ]+\))?"
)
# Enough of letters and digits to be more than punctuation between two pieces of code.
_SOLID: Final = Pattern(r"(?s:.*[A-Za-z0-9].*[A-Za-z0-9].*[A-Za-z0-9].*[A-Za-z0-9].*)")
# A link, an address without credentials, and a path, as the secrets have that a machine keeps in files.
_ADDRESS: Final = Pattern(
    r"\[[^\]]+\]\([^()\s]*\)?|\.{1,2}/.*|(?:\s|\\+[nrt])*https?://[^@\s]*(?:\s|\\+[nrt])*"
    r"|/(?:etc|home|mnt|opt|root|run|tmp|usr|var)/[a-z0-9_./-]+"
)
# What a secret has to look like.
_CLASSES: Final = Pattern(r".*\[[^\[\]]*(?:a-z|A-Z|0-9)[^\[\]]*\][^\[\]]*[*+{].*")
# In a sentence, no word and no piece of code.
_SPOKEN_SECRET: Final = Pattern(r"[^\s\x00-\x1f(){}<>/]*[A-Za-z][^\s\x00-\x1f(){}<>/]*[0-9][^\s\x00-\x1f(){}<>/]{2,}")
_CALLED: Final = Pattern(
    r"[A-Za-z_][A-Za-z0-9_.]*\((?:\{?|.*\))|\$\{.*|\$\(.*|\{\{.*|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select).*"
    r"|[A-Za-z_][A-Za-z0-9_.]*\?\..*|[&*]?(?:[a-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*\{|</.*|\{.*\}|[A-Za-z_][A-Za-z0-9_.]*\["
)
# Members of an object of JavaScript, one after the other.
_MEMBERS: Final = Pattern(r"[^,:]{0,20}(?:,[\"']?[A-Za-z_$][A-Za-z0-9_$]*[\"']?:[^,:]{0,20}){2}.*")
# A variable that holds a secret, a type of a package, an object in a module: testTsigSecret, corev1.SecretKeySelector,
# ledger.settings:TOKEN.
_SAYS_WHAT: Final = Pattern(
    r"(?:[a-z][A-Za-z0-9]*\.)*[a-z][A-Za-z0-9]*[a-z0-9](?:Secret|Password|Token|Key)|[&*]?[a-z][a-z0-9]*\.[A-Z][A-Za-z0-9]+"
    r"|(?:[a-z_][a-z0-9_]*\.)+[a-z_][a-z0-9_]*:[A-Za-z_]+|[&*][a-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+\(.*"
)
_IDENTIFIER: Final = Pattern(r"[A-Za-z_][A-Za-z_.]*")


def plausible_secret(text: bytes, value: Value, joint: Joint, word: bytes) -> bool:
    """Tell whether a value can be a secret: anything, but no piece of code beside a word such as password."""
    if b" " in word and _LABEL.fits(word):
        return False
    # An address without credentials is where one reads about it; a file has a path.
    if not _SOLID.fits(word) or _ADDRESS.fits(word) or _CLASSES.fits(word):
        return False
    if value.quoted:
        if joint.kind is Kind.PROSE:
            return _SPOKEN_SECRET.fits(word)
        return text[value.start - 1 : value.start] == VALUE or b"\n" not in word
    if any(one.fits(word) for one in (_CALLED, EXPRESSION, _MEMBERS, DOTTED_TYPE, _SAYS_WHAT)):
        return False
    return assigned_plainly(text, value, joint) or not (_IDENTIFIER.fits(word) or BRACKETED.fits(word))


def is_formula(text: bytes, value: Value, word: bytes) -> bool:
    """Tell whether a secret is what a program computes, a call or variables put together, or a pattern for secrets."""
    if _CLASSES.fits(word):
        return True
    if value.quoted:
        return word.startswith(b"${") and word.endswith(b"}")
    return text[value.end : value.end + 1] == b"(" or any(one.fits(word) for one in (_CALLED, EXPRESSION, _SAYS_WHAT))
