"""The mutation of consent texts."""

from typing import Annotated, TypeAlias

import strawberry

from graph.domain.access.scopes import CONSENT_WRITE
from graph.domain.model.errors import InvalidInput
from graph.domain.model.errors import Problem as DomainProblem
from graph.domain.profile.consent_texts import ConsentText
from schema.shared.context import Info
from schema.shared.problems import Problem, Rejected
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp


@strawberry.input(description="A version of a text that people see before they decide. It never changes.")
class ConsentTextInput:
    """A consent text as a client sends it."""

    version: str = strawberry.field(
        description="The version, 1 to 100 characters, that decisions name in `policyVersion`. E.g. `2026-03`."
    )
    text: str = strawberry.field(
        description="The text as people see it, 1 to 20,000 characters. It must not contain data of a person."
    )
    language: str | None = strawberry.field(
        default=None, description="The language of the text, as a language tag of BCP 47. E.g. `de`."
    )
    purpose: str | None = strawberry.field(
        default=None, description="The purpose that the text is about. Without it, all purposes. E.g. `newsletter`."
    )

    def to_domain(self) -> ConsentText:
        """Convert to the domain's value."""
        return ConsentText(self.version, self.text, self.language or "", self.purpose or "")


@strawberry.input(description="The input of `recordConsentTexts`.")
class RecordConsentTextsInput:
    """The input of `recordConsentTexts`."""

    texts: list[ConsentTextInput] = strawberry.field(description="1 to 1,000 texts.")


@requires(CONSENT_WRITE)
@strawberry.type(description="A consent text that is recorded.")
class ConsentTextAccepted:
    """A recorded text in GraphQL."""

    version: str = strawberry.field(description="The version. E.g. `2026-03`.")
    sha256: str = strawberry.field(description="The SHA-256 of the text in UTF-8, in hexadecimal digits.")
    recorded_at: Timestamp = strawberry.field(description="When the version was recorded first.")


ConsentTextResult: TypeAlias = Annotated[
    ConsentTextAccepted | Rejected,
    strawberry.union("ConsentTextResult", description="The result of one item of `recordConsentTexts`."),
]


@requires(CONSENT_WRITE)
@strawberry.type(description="The result of `recordConsentTexts`.")
class ConsentTextsPayload:
    """The payload of `recordConsentTexts`."""

    results: list[ConsentTextResult] = strawberry.field(
        description="One result per item, in the order of the input. Empty if `errors` is not empty."
    )
    errors: list[Problem] = strawberry.field(
        description="Problems of the request as a whole. If there are any, no item was recorded."
    )


@requires(record_consent_texts=CONSENT_WRITE)
@strawberry.type
class ConsentTextMutations:
    """Mutations of consent texts."""

    @strawberry.mutation(
        description="Record the texts that people see before they decide, so that `Consent.proof` shows them. A "
        "version of a text never changes. Idempotent."
    )
    async def record_consent_texts(self, info: Info, input: RecordConsentTextsInput) -> ConsentTextsPayload:
        """Record consent texts."""
        try:
            answers = await info.context.graph.record_consent_texts([text.to_domain() for text in input.texts])
        except InvalidInput as error:
            return ConsentTextsPayload(results=[], errors=[Problem.of(error.problem())])
        results: list[ConsentTextAccepted | Rejected] = [
            Rejected(problem=Problem.of(answer))
            if isinstance(answer, DomainProblem)
            else ConsentTextAccepted(
                version=text.version, sha256=answer.sha256, recorded_at=Timestamp(answer.recorded_at)
            )
            for text, answer in zip(input.texts, answers, strict=True)
        ]
        return ConsentTextsPayload(results=results, errors=[])
