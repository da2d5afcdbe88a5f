"""Stores consent texts: each once, and under a version that never changes.

They are named values of the store, which backups and copies take along: the texts by their hashes, and the versions.
"""

from collections.abc import Iterable, Sequence

import msgspec

from graph.commands.batch import check_count
from graph.domain.model.errors import Problem, TemporaryFailure
from graph.domain.model.json_text import compact
from graph.domain.model.validation import check_text
from graph.domain.profile.consent_texts import ConsentText, RegisteredText, check_consent_text
from graph.domain.profile.consents import MAX_CONSENT_TEXT_LENGTH, ConsentStatement, text_hash
from graph.ports import NamedValues

_TEXT = "consent_text:"
_VERSION = "consent_text_version:"
_MAX_KNOWN = 10_000
"""Hashes of texts that are known to be stored, and versions that were read."""
_MAX_ATTEMPTS = 5


class ConsentTexts:
    """The texts of a store. Those that are found are remembered: they never change."""

    def __init__(self, store: NamedValues) -> None:
        self._store = store
        self._kept: set[str] = set()
        self._versions: dict[tuple[str, str, str], str] = {}

    async def register(
        self, texts: Sequence[ConsentText | Problem], purposes: Sequence[str], caller: str, now: int
    ) -> list[RegisteredText | Problem]:
        """Register 1 to 1,000 versions; return each as it is registered, or its problem, in order.

        `purposes` are those that are declared. The same text again changes nothing; another text under a version, a
        language and a purpose that are taken is a problem.
        """
        check_count("texts", texts)
        return [
            text
            if isinstance(text, Problem)
            else check_consent_text(text, purposes) or await self._register(text, caller, now)
            for text in texts
        ]

    async def keep(self, statements: Iterable[ConsentStatement | Problem]) -> None:
        """Store the texts that statements contain."""
        for statement in statements:
            if isinstance(statement, ConsentStatement) and 0 < len(statement.policy_text) <= MAX_CONSENT_TEXT_LENGTH:
                await self.put(statement.policy_text)

    async def put(self, text: str) -> None:
        """Store a text, unless it is known to be stored. One that no store can hold is left out."""
        sha256 = text_hash(text)
        if sha256 in self._kept or check_text("text", text, MAX_CONSENT_TEXT_LENGTH) is not None:
            return
        await self._store.put_value(_TEXT + sha256, text)
        if len(self._kept) >= _MAX_KNOWN:
            self._kept.clear()
        self._kept.add(sha256)

    async def text(self, sha256: str) -> str | None:
        """Return a text by its hash; `None` if it is not stored, or is not the text that has this hash anymore."""
        text = await self._store.get_value(_TEXT + sha256)
        return text if text is not None and text_hash(text) == sha256 else None

    async def version(self, version: str, language: str, purpose: str) -> RegisteredText | None:
        """Return the text of a version for a purpose: in a language, or the only one if the language is not known."""
        if not version:
            return None
        registered = _parse(await self._store.get_value(_VERSION + version))
        for of in (purpose, ""):
            fitting = [text for text in registered if text.purpose == of and language in ("", text.language)]
            if len(fitting) == 1:
                return fitting[0]
        return None

    async def hash_of(self, version: str, language: str, purpose: str) -> str:
        """Return the hash of the text of a version, as `version`; empty if there is none."""
        name = version, language, purpose
        if (known := self._versions.get(name)) is not None:
            return known
        found = await self.version(version, language, purpose)
        if found is None:
            return ""
        if len(self._versions) >= _MAX_KNOWN:
            self._versions.clear()
        self._versions[name] = found.sha256
        return found.sha256

    async def _register(self, text: ConsentText, caller: str, now: int) -> RegisteredText | Problem:
        await self.put(text.text)
        new = RegisteredText(text_hash(text.text), text.language, text.purpose, now, caller)
        for _ in range(_MAX_ATTEMPTS):
            stored = await self._store.get_value(_VERSION + text.version)
            registered = _parse(stored)
            for earlier in registered:
                if (earlier.language, earlier.purpose) == (text.language, text.purpose):
                    return earlier if earlier.sha256 == new.sha256 else _taken(text)
            if await self._store.replace_value(_VERSION + text.version, compact([*registered, new]), stored):
                # A version without a language, or for all purposes, may lead elsewhere now.
                self._versions.clear()
                return new
        raise TemporaryFailure("the consent texts keep changing; retry in a moment")


def _taken(text: ConsentText) -> Problem:
    language = f" in {text.language}" if text.language else ""
    message = f"version {text.version!r}{language} is registered with another text; give the new text a new version"
    return Problem("ID_CONFLICT", message, ("version",))


def _parse(stored: str | None) -> tuple[RegisteredText, ...]:
    return () if stored is None else msgspec.json.decode(stored, type=tuple[RegisteredText, ...])
