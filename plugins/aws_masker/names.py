"""Names: which values are plain words that identify nobody, and what their own form makes of the others.

The word list decides, the same everywhere: what is a common word in one place is one in every place, or a restored
conversation would be masked differently the next time. ``label`` likewise looks at nothing but the value.
"""

from typing import Final

from aws_masker.catalogue import MACROS, Catalogue
from aws_masker.re2c import FullMatchSet, Pattern
from aws_masker.shared import Vocabulary

NAME: Final = b"name"
ACCOUNT: Final = b"acct"
# An account number that stood as a JSON number; see documents.
ACCOUNT_NUMBER: Final = b"acctn"
MIN_LENGTH: Final = 3
# What the names of the parameters begin with that AWS keeps for all.
PUBLIC_PARAMETERS: Final = (b"aws/service/", b"aws/reference/")
_STAGES: Final = frozenset((b"prod", b"production", b"qa", b"staging", b"stg", b"uat", b"preprod"))

# Labels that no family gives, by the form of the whole value; tried after the catalogue's.
_FORMS: Final = (
    (ACCOUNT, MACROS["<acct>"]),
    (b"acctd", "[0-9]{4}-[0-9]{4}-[0-9]{4}"),
    (b"net", r"(?:10|172)\.[0-9]{1,3}|192\.168\.[0-9]{1,3}"),
    (b"netd", "(?:10|172)-[0-9]{1,3}|192-168-[0-9]{1,3}"),
    (b"ip", r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"),
    (b"ipd", "[0-9]{1,3}(?:-[0-9]{1,3}){3}"),
    (b"uuid", f"(?i:{MACROS['<uuid>']})"),
    (b"hex", "[0-9a-f]{16,64}|[0-9A-F]{16,64}"),
    (b"email", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}"),
    (NAME, r"[A-Za-z0-9_.+=,@:/#\[\]$ -]{1,39}"),
    (NAME, r"[A-Za-z0-9_.+=,@:/#\[\]$ -]{41,512}"),
    (NAME, "[A-Za-z0-9_.@:-]{40}"),
    (NAME, r"[^\x00-\x7f]+"),
)
SECRET: Final = b"secret"

# What stands where a name could and is none: numbers, versions, dates, regions, instance types, AWS's own names,
# variables and placeholders.
_PLACEHOLDERS: Final = (
    r"\$(?:[A-Z_][A-Z0-9_]{0,100}|[a-z_]{1,100}|[a-z]{1,30}(?:[A-Z][a-z]{1,30}){1,5})|\$LATEST",
    r"\$\{[^}]{1,200}\}|\$\([^)]{1,200}\)|\{\{[^}]{1,200}\}\}|\{\{resolve:.{1,300}\}\}|\{[A-Za-z_][A-Za-z0-9_.]{0,100}\}|\{\}",
    r"%[A-Za-z_]{1,100}%|%[sdrv]|~[a-z]{1,2}|%\([A-Za-z_]{1,100}\)s",
    r"<[A-Za-z][A-Za-z0-9 _.-]{0,100}>.{0,3}|\[?REDACTED\]?|\[[a-z]{3,20}(?:[ _-][a-z]{2,20}){0,3}\]",
    r"(?i:(?:your|my|the|some|an?)[-_ ](?:[a-z]{1,20}[-_ ]){0,3}(?:name|id|arn|here|value|key|secret|password|bucket))",
    r"(?i:(?:your|my|the|some|an?)[-_ ](?:[a-z]{1,20}[-_ ]){0,3}(?:role|cluster|function|table|queue|topic|profile))",
    r"(?i:(?:your|my|some)[-_](?:[a-z]{1,20}[-_]){0,3}(?:key|secret|password)[-_][0-9]{1,2})",
    r"(?i:change[-_]?(?:it|me|this)[0-9]{0,16})",
    r"(?i:x{3,40}|\*{1,40}|\.{1,40}|-{1,40}|_{1,40})",
)
_PLACEHOLDER: Final = Pattern("|".join(_PLACEHOLDERS))
# In one pass: most values are none of all this.
_COMMON: Final = Pattern(
    "|".join(
        (
            *_PLACEHOLDERS,
            r"0{8}-0{4}-0{4}-0{4}-0{12}",
            r"[-+.:TZ0-9]{1,11}|[0-9]{13,30}|-?[0-9]{1,11}\.[0-9]{5,30}",
            # Numbers of programs, formats of them (04x, behind a colon in Python's strings), classes of characters.
            # And encodings and standards by their number.
            r"(?:UTF|utf|ISO|iso|RFC|rfc)-?[0-9]{1,5}(?:-[0-9]{1,5})?(?:[BLbl][Ee])?",
            r"0x[0-9a-fA-F]{0,32}|#?0[0-9]{1,2}[bdoxX]|(?:a-z|A-Z|0-9|a-f|A-F|[_.-]){2,8}",
            r"[0-9]{1,6}(?:\.[0-9]{1,6})?[eE][-+]?[0-9]{1,3}",
            # Versions, those of an API among them: 2.4.1-rc1, v1beta2.
            r"v?[0-9]{1,6}(?:\.[0-9x]{1,6}){1,4}(?:[-+][a-z0-9.]{1,20})?",
            r"v[0-9]{1,2}(?:alpha|beta)[0-9]{1,2}",
            # A parameter in the path of a URL.
            r":[a-z][A-Za-z0-9_]{0,60}",
            r"v?[0-9]{1,3}\.[0-9]{1,4}[.-][A-Za-z0-9._-]{1,40}",
            # Runtimes, engines and what goes with them, with their versions.
            r"(?:python|nodejs|node|java|dotnet|dotnetcore|ruby|go|php|provided\.al)[0-9]{1,4}(?:\.[0-9x]{1,3}){0,2}(?:\.al[0-9]{1,4})?",
            r"amazon-?linux(?:-?[0-9]{1,4})?|(?:aurora-)?(?:mysql|mariadb|postgres|postgresql|redis|valkey|memcached|docdb|neptune|opensearch)[_-]?[0-9]{1,2}(?:\.[0-9x]{1,3}){0,2}",
            r"rds-ca-[a-z0-9-]{4,20}|ELBSecurityPolicy-[A-Za-z0-9-]{2,40}",
            r"[a-z]{3}:[0-9]{2}:[0-9]{2}-[a-z]{3}:[0-9]{2}:[0-9]{2}",
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]{2,15}(?:Z|[-+][0-9:]{4,6})?)?",
            r"(?:region=)?(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-(?:(?:north|south)(?:east|west)?|east|west|central)-[0-9][a-z]?(?:-[a-z]{3}-[0-9][a-z]?)?",
            r"(?:[a-z]{2,3}[0-9]-)?az[0-9]",
            r"(?:db\.|cache\.|ml\.|dax\.|mq\.|kafka\.|search\.)?[a-z][a-z0-9-]{1,12}\.(?:nano|micro|small|medium|large|metal|[0-9]{0,2}xlarge|metal-[0-9]{1,2}xl)(?:\.(?:search|elasticsearch))?",
            r"AWSServiceRoleFor[A-Za-z0-9_]{1,100}|(?:AWS-)?AWSManagedRules[A-Za-z0-9_-]{1,100}",
            r"aws/[A-Za-z0-9/_.-]{1,100}|alias/aws/[A-Za-z0-9/_.-]{1,100}",
            # Policies that AWS manages, and the rules of AWS Config that it keeps.
            r"(?:Amazon|AWS)[A-Z0-9][A-Za-z0-9]{1,60}(?:Access|ManagedInstanceCore|Policy|PowerUser|ReadOnly|ServiceRole)",
            r"[A-Z0-9]{2,20}(?:_[A-Z0-9]{2,20}){0,6}_(?:CENTRALIZED|CHECK|CONFIGURED|DISABLED|ENABLED|ENCRYPTED|PROHIBITED|REQUIRED|ROTATED)",
            r"REQUIRED_TAGS|ENCRYPTED_VOLUMES",
            r"default[.:][A-Za-z0-9_.:-]{1,100}",
            r"(?:cn\.)?com\.amazonaws\.[a-z0-9.-]{2,80}",
            # Models of Bedrock, and who tells AWS for whom a workload or a user speaks.
            r"(?:(?:apac|au|ca|eu|global|jp|us|us-gov)\.)?(?:ai21\.j|amazon\.(?:nova|rerank|titan)|anthropic\.claude|cohere\.(?:command|embed|rerank)|deepseek\.[rv][0-9]|meta\.llama|mistral\.(?:ministral|mistral|mixtral|pixtral)|openai\.gpt|qwen\.qwen|stability\.s(?:d3|table)|twelvelabs\.(?:marengo|pegasus)|writer\.palmyra)[a-z0-9.-]{0,60}",
            r"token\.actions\.githubusercontent\.com|accounts\.google\.com|gitlab\.com|app\.terraform\.io|oidc\.circleci\.com|agent\.buildkite\.com",
            # Hosts of other clouds.
            r"[A-Za-z0-9.-]{2,120}\.(?:azmk8s\.io|azurecr\.io|azurewebsites\.net|googleapis\.com|windows\.net)",
            # Registries that everybody takes images from, and what Kubernetes calls its own domain.
            r"(?:[a-z0-9-]{1,20}\.)?(?:docker\.io|gcr\.io|ghcr\.io|k8s\.io|quay\.io)|(?:svc\.)?cluster\.local",
            r"[a-z0-9.-]{2,60}\.(?:amazonaws\.com|aws\.internal|amazon\.com)(?:\.cn)?",
        )
    )
)


class Words:
    """The word list of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Take the catalogue's common words."""
        self._words = frozenset(word.encode() for word in catalogue.words)

    def holds(self, value: bytes) -> bool:
        """Tell whether ``value`` is in the list, or several of what is."""
        word = value.lower()
        return word in self._words or (word.endswith(b"s") and word[:-1] in self._words)

    def are_common(self, value: bytes) -> bool:
        """Tell whether ``value`` identifies nobody: a common word, a number, a region, AWS's own, a placeholder."""
        return len(value) < MIN_LENGTH or self.holds(value) or _COMMON.fits(value)


class Names:
    """The word list and the forms of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compile the forms of the catalogue's families that are masked whole."""
        self._words = Words(catalogue)
        self.is_common = self._words.are_common
        self._vocabulary = Vocabulary(catalogue.vocabulary)
        whole = [family for family in catalogue.families if family.pattern and not family.split]
        forms = [(family.label.encode(), family.pattern) for family in whole if family.label != "name"]
        forms += [
            (family.label.encode(), family.value)
            for family in catalogue.families
            if family.keys and family.label != "name" and family.value and family.kind != "secret"
        ]
        forms += _FORMS
        self._labels = [label for label, _ in forms]
        self._forms = FullMatchSet([pattern for _, pattern in forms])
        self.labels = frozenset(label.decode() for label in (*self._labels, ACCOUNT_NUMBER, NAME, SECRET))

    def label(self, value: bytes) -> bytes:
        """Return the label that ``value`` has by its own form."""
        found = self._forms.matches(value)
        return self._labels[found[0]] if found else SECRET

    def is_of_programs(self, value: bytes) -> bool:
        """Tell whether ``value`` is a word of which programs make the names of their parts, or as short as one."""
        return len(value) < MIN_LENGTH or self._vocabulary.holds(value) or value.lower() in _STAGES

    def is_word(self, value: bytes) -> bool:
        """Tell whether ``value`` is a common word, a placeholder or less, so that it is no secret either."""
        return len(value) < MIN_LENGTH or self._words.holds(value) or _PLACEHOLDER.fits(value)

    @staticmethod
    def canonical(label: bytes, value: bytes) -> bytes:
        """Return what of ``value`` its token is made from.

        An address or account number has one body however it is written; the label tells the spelling.
        """
        if label in (b"netd", b"ipd"):
            return value.replace(b"-", b".")
        return value.replace(b"-", b"") if label == b"acctd" else value
